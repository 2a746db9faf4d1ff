namespace ControlPlane.Certificates;

/// <summary>The CA refused this order for good; asking again is pointless.</summary>
[GenerateSerializer, Alias("ControlPlane.IssuerRefusedException")]
public sealed class IssuerRefusedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Our configuration of the issuer is wrong, or the CA answered what was not ordered; an operator must act.</summary>
[GenerateSerializer, Alias("ControlPlane.IssuerMisconfiguredException")]
public sealed class IssuerMisconfiguredException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The CA asks us to slow down; try again after <see cref="RetryAfter"/>.</summary>
[GenerateSerializer, Alias("ControlPlane.IssuerThrottledException")]
public sealed class IssuerThrottledException(string message, TimeSpan retryAfter, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How long to wait; positive.</summary>
    [Id(0)]
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>No CA answered, and none can have acted on the order; try again later.</summary>
[GenerateSerializer, Alias("ControlPlane.IssuerUnavailableException")]
public sealed class IssuerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The CA may have issued a certificate that we did not receive.</summary>
[GenerateSerializer, Alias("ControlPlane.IssuerOutcomeUnknownException")]
public sealed class IssuerOutcomeUnknownException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The certificate ledger did not answer: what was to be recorded may be or not; ask again.</summary>
[GenerateSerializer, Alias("ControlPlane.LedgerUnavailableException")]
public sealed class LedgerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
