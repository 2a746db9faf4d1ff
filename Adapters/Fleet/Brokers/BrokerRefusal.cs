namespace ControlPlane.Adapters.Fleet.Brokers;

/// <summary>Puts a broker's refusal into words that help.</summary>
internal static class BrokerRefusal
{
    /// <summary>What the broker said, and what it may mean, the likeliest first.</summary>
    /// <remarks>Choria's brokers say "Authorization Violation" whatever it was, and the reason in their log only.</remarks>
    public static BrokerLoginException Of(string said, BrokerCredentials shown) =>
        new($"the broker refused the login: {said}; its log has the reason. Check that {string.Join("; that ", Checks(shown))}");

    private static IEnumerable<string> Checks(BrokerCredentials shown)
    {
        if (shown.User is { } user)
        {
            yield return $"PasswordFile holds the password that the broker has for the user '{user}'";
        }

        if (shown.Token is not null)
        {
            yield return "the token in TokenFile is valid now and signed by an issuer that the broker knows";
            yield return "SeedFile holds the seed of the token's public key";
        }

        if (shown is { Token: not null, User: not null })
        {
            yield return "the token has the permission provisioner";
        }

        yield return shown.Certificate is not null
            ? "the broker's CA signed the certificate in CertificateFile"
            : "the broker demands no client certificate, or CertificateFile and KeyFile name one";
    }
}
