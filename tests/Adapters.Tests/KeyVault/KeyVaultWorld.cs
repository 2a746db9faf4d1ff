using Azure.Core;
using Azure.Core.Pipeline;
using ControlPlane.Adapters.KeyVault;
using ControlPlane.TestKit;

namespace ControlPlane.Adapters.Tests.KeyVault;

/// <summary>One fake vault, an identity that it knows, and the issuers opened on it.</summary>
public sealed class KeyVaultWorld : IAsyncDisposable
{
    private readonly List<IDisposable> opened = [];
    private readonly string rootFile = Path.GetTempFileName();

    private KeyVaultWorld(FakeKeyVault vault)
    {
        Vault = vault;
        File.WriteAllText(rootFile, vault.RootPem);
    }

    public FakeKeyVault Vault { get; }

    internal CountedCredential Credential { get; } = new();

    public static async Task<KeyVaultWorld> StartAsync(TestKeyKind kind = TestKeyKind.P256) => new(await FakeKeyVault.StartAsync(kind));

    public KeyVaultOptions Options() => new()
    {
        Url = Vault.Url,
        Certificate = FakeKeyVault.CertificateName,
        ChainFile = rootFile,
        Timeout = TimeSpan.FromSeconds(20),
    };

    internal KeyVaultIssuer Open(KeyVaultOptions options, VaultBudget? budget = null, int? port = null)
    {
        var client = new KeyVaultClient("tested", options, Credential, new HttpClientTransport(Vault.CreateHandler(port)));
        var issuer = new KeyVaultIssuer(
            "tested", options, client, budget ?? new VaultBudget(TimeProvider.System), TimeProvider.System);
        opened.Add(issuer);
        return issuer;
    }

    public async ValueTask DisposeAsync()
    {
        opened.ForEach(one => one.Dispose());
        await Vault.DisposeAsync();
        File.Delete(rootFile);
    }
}

/// <summary>An identity whose token the fake vault takes.</summary>
internal sealed class CountedCredential : TokenCredential
{
    private int asked;

    public int Asked => asked;

    public TokenRequestContext Last { get; private set; }

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref asked);
        Last = requestContext;
        return new AccessToken(FakeKeyVault.Token, TimeProvider.System.GetUtcNow().AddHours(1));
    }

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
        ValueTask.FromResult(GetToken(requestContext, cancellationToken));
}
