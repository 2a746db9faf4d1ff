namespace ControlPlane.Certificates;

/// <summary>What asking an issuer came to.</summary>
internal abstract record SigningOutcome
{
    /// <summary>Signed, and what was ordered.</summary>
    public sealed record Signed(IssuedCertificate Certificate) : SigningOutcome;

    /// <summary>Signed, but not what was ordered: it must never be given out, and is to be revoked.</summary>
    public sealed record Wrong(IssuedCertificate Certificate, string Detail) : SigningOutcome;

    /// <summary>The CA refused for good.</summary>
    public sealed record Refused(string Detail) : SigningOutcome;

    /// <summary>Nothing was signed; it may be asked again.</summary>
    public sealed record NotNow(string Detail, DateTimeOffset RetryAt) : SigningOutcome;

    /// <summary>It may have signed.</summary>
    public sealed record Unknown(string Detail) : SigningOutcome;
}
