using ControlPlane.Adapters.Http;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>Tells what an answer other than success means. Pure.</summary>
internal static class VaultFault
{
    // Vault answers 400 to what is wrong with the request and to what is wrong with the mount alike; only the text tells.
    private static readonly string[] MountFaults =
    [
        "unknown role",
        "missing client token",
        "beyond the expiration of the ca",
        "error fetching ca certificate",
        "no default issuer",
        "unable to find pki issuer",
        "cluster path",
        "unsupported path",
    ];

    /// <summary>The exception to throw for an order that was answered so.</summary>
    public static Exception OfOrder(string issuer, VaultAnswer answer)
    {
        var message = $"Vault {issuer} answered {answer}";
        return (int)answer.Status switch
        {
            400 when IsMountFault(answer) => new IssuerMisconfiguredException(message),
            400 or 413 => new IssuerRefusedException(message),

            // 500 comes after the signature too: an audit log that cannot be written turns the certificate into an error.
            500 or 502 or 504 => new IssuerOutcomeUnknownException(message),
            _ => OfQuestion(issuer, answer),
        };
    }

    /// <summary>The exception to throw for a call without lasting effect that was answered so.</summary>
    public static Exception OfQuestion(string issuer, VaultAnswer answer)
    {
        var message = $"Vault {issuer} answered {answer}";
        return (int)answer.Status switch
        {
            429 => new IssuerThrottledException(message, RetryAfterHeader.Wait(answer.RetryAfter)),

            // A standby that may not forward points to the active node, which a load balancer will find at the next try.
            307 or 308 => new IssuerUnavailableException(message),

            // 412: a replica that has not caught up. 472, 473: a secondary or standby. 501, 503: not initialised, sealed.
            412 or 472 or 473 => new IssuerUnavailableException(message),
            >= 500 => new IssuerUnavailableException(message),
            _ => new IssuerMisconfiguredException(message),
        };
    }

    private static bool IsMountFault(VaultAnswer answer) =>
        MountFaults.Any(fault => answer.Errors.Contains(fault, StringComparison.OrdinalIgnoreCase));
}
