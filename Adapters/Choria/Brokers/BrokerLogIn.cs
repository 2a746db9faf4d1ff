namespace ControlPlane.Adapters.Choria;

using System.Text;

/// <summary>What TLS showed of who connects.</summary>
public enum LogInTls
{
    /// <summary>There was none.</summary>
    None = 1,

    /// <summary>TLS without a client certificate.</summary>
    WithoutCertificate = 2,

    /// <summary>A client certificate that leads to the broker's CA. A broker that verifies none does not see it.</summary>
    WithTrustedCertificate = 3,

    /// <summary>A client certificate that does not lead there, or has ended. A broker that verifies none does not see it.</summary>
    WithUntrustedCertificate = 4,
}

/// <summary>
/// One try to log in: what CONNECT says, the nonce that INFO gave, and what TLS showed. <c>jwt</c>, <c>nkey</c> and <c>name</c> decide
/// nothing.
/// </summary>
/// <param name="Tls">What TLS showed.</param>
/// <param name="Token">CONNECT's <c>auth_token</c>.</param>
/// <param name="Signature">CONNECT's <c>sig</c>.</param>
/// <param name="Nonce">INFO's <c>nonce</c>.</param>
/// <param name="User">CONNECT's <c>user</c>.</param>
/// <param name="Password">CONNECT's <c>pass</c>.</param>
public sealed record BrokerLogIn(
    LogInTls Tls, string? Token = null, string? Signature = null, string? Nonce = null, string? User = null, string? Password = null)
{
    // Records print their members; this one's would end up in a log.
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append(nameof(Tls)).Append(" = ").Append(Tls);
        return true;
    }
}
