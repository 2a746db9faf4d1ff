using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Broker;
using ControlPlane.FleetSimulator.Keys;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What a node shows a broker: its provisioning token, its certificate (V1), or its server token and a signed nonce.</summary>
internal static class NodeCredentials
{
    public static Credentials For(NodeProfile profile, NodeFiles files, NodeProcess becoming)
    {
        var credentials = new Credentials(profile.Identity);
        if (becoming.IsProvisioning)
        {
            return credentials with { Token = profile.Token.Text, User = profile.Token.User, Password = profile.Token.Password };
        }

        var configuration = files.Configuration!;
        credentials = credentials with { User = configuration.User, Password = configuration.Password };
        if (configuration.UsesTokens && files.Seed is { } seed)
        {
            credentials = credentials with { Token = files.ServerToken, SignNonce = nonce => Sign(seed, nonce) };
        }

        return configuration.PresentsCertificate && files is { Certificate: { } certificate, PrivateKey: { } key }
            ? credentials with { Certificate = NodeCertificates.ForClient(certificate, key) }
            : credentials;
    }

    private static byte[] Sign(byte[] seed, byte[] nonce)
    {
        using var key = Ed25519Key.FromSeed(seed);
        return key.Sign(nonce);
    }
}
