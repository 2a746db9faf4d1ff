using System.Security.Cryptography;
using ControlPlane.Certificates;
using ControlPlane.Placement;
using Microsoft.Extensions.Options;

namespace ControlPlane.Nodes;

/// <summary>What enrolments are decided by besides the node itself: configuration, the time, and chance.</summary>
internal sealed class EnrolmentContext(
    IOptionsMonitor<ProvisioningOptions> provisioning,
    IOptionsMonitor<OverlaysOptions> overlays,
    IOptionsMonitor<CertificatesOptions> certificates,
    ProvisioningMeter meter,
    TimeProvider time)
{
    private const int JitterSteps = 1 << 20;

    public ProvisioningOptions Options => provisioning.CurrentValue;

    public ProvisioningMeter Meter => meter;

    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>How long ago a moment was that <see cref="Timestamp"/> marked.</summary>
    public TimeSpan Elapsed(long timestamp) => time.GetElapsedTime(timestamp);

    public long Timestamp() => time.GetTimestamp();

    /// <summary>A random number from 0 to 1, by which waits are spread.</summary>
    public static double Jitter => RandomNumberGenerator.GetInt32(JitterSteps) / (double)JitterSteps;

    /// <inheritdoc cref="Setback.OfPlane"/>
    public Hold OfPlane(NodeState state, string detail, DateTimeOffset notBefore = default) =>
        Setback.OfPlane(state, detail, Options, Now, Jitter, notBefore);

    /// <summary>What a node gets.</summary>
    public NodeCredentials CredentialsFor(NodeProtocol protocol) =>
        protocol == NodeProtocol.V1 ? NodeCredentials.Certificate : Options.V2Credentials;

    public OverlayOptions? OverlayOrNull(string? name) =>
        name is null ? null : overlays.CurrentValue.Members.GetValueOrDefault(name);

    /// <summary>The issuer that the overlay's certificate profile prefers; null when the profile is not configured.</summary>
    public string? IssuerOrNull(OverlayOptions overlay) =>
        certificates.CurrentValue.Profiles.GetValueOrDefault(overlay.CertificateProfile) is { Issuers: [var preferred, ..] }
            ? preferred
            : null;
}
