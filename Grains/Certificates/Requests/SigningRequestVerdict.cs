using ControlPlane.Nodes;

namespace ControlPlane.Certificates;

/// <summary>What <see cref="SigningRequestCheck"/> found.</summary>
internal abstract record SigningRequestVerdict
{
    /// <summary>It may be ordered for.</summary>
    public sealed record Accepted(SigningRequest Request) : SigningRequestVerdict;

    /// <summary>It breaks a rule.</summary>
    /// <param name="Refusal">The rule.</param>
    /// <param name="Detail">What was found, in words; holds nothing that the request could choose freely.</param>
    public sealed record Refused(Refusal Refusal, string Detail) : SigningRequestVerdict;
}
