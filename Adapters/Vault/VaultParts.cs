namespace ControlPlane.Adapters.Vault;

/// <summary>What an issuer needs of Vault, and what to let go of in the end.</summary>
internal sealed record VaultParts(IVaultPki Pki, IVaultSession Session, IVaultHealth Health, IReadOnlyList<IDisposable> Held) : IDisposable
{
    /// <summary>The parts over our own HTTP client.</summary>
    public static VaultParts OverHttp(string issuer, VaultOptions options, TimeProvider time, Random random)
    {
        var http = new VaultHttp(issuer, options, time);
        var session = new VaultSession(new VaultLogin(http, options.Login), options.Login.Method, time, random);
        return new VaultParts(new HttpVaultPki(http, session, options), session, new HttpVaultHealth(http), [session, http]);
    }

    public void Dispose()
    {
        foreach (var one in Held)
        {
            one.Dispose();
        }
    }
}
