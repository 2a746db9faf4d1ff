using System.Net.Security;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>How a node makes itself known to a broker.</summary>
/// <param name="Name">The node's identity: <c>CONNECT.name</c>.</param>
internal sealed record Credentials(string Name)
{
    /// <summary><c>auth_token</c>: the provisioning token, or the server token.</summary>
    public string? Token { get; init; }

    /// <summary>The <c>chusr</c> and <c>chpwd</c> claims, or <c>plugin.nats.user</c> and <c>.pass</c>; sent only with both.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>Signs the nonce of INFO; with it the token is sent as <c>jwt</c> too.</summary>
    public Func<byte[], byte[]>? SignNonce { get; init; }

    /// <summary>The client certificate of a provisioned node of protocol v1.</summary>
    public SslStreamCertificateContext? Certificate { get; init; }
}
