using ControlPlane.Flow;

namespace ControlPlane.Enrolment;

/// <summary>Decides when so many nodes of an overlay fell out of it, or did not arrive, that going on would do harm. Pure.</summary>
/// <remarks>
/// Kubernetes does the same for its zones: when most of a fleet turns bad at once, the fault is seldom in the nodes, and new certificates
/// for all of them hide it or make it worse.
/// </remarks>
internal static class EnrolmentBrakes
{
    private const int NamesShown = 3;

    /// <summary>Nodes that fell, of those that live in the overlay.</summary>
    public static BrakeRule Fallen(AdmissionOptions options) =>
        new(options.BrakeShare) { FailedMin = options.BrakeNodesMin, Window = options.BrakeWindow };

    /// <summary>
    /// Nodes that were configured and did not arrive, one fewer for each that did since: so many only where fewer than half arrive, however
    /// long that takes.
    /// </summary>
    public static BrakeRule Missing(AdmissionOptions options) =>
        new(ShareMax: 0) { FailedMin = options.BrakeMissingMin, LastMax = AdmissionOptions.BrakeMissingMost, IsTakenBack = true };

    /// <summary>Why the brake is to stop nodes from enrolling again; null when it is not.</summary>
    /// <param name="fallen">Nodes that fell within the window.</param>
    /// <param name="nodes">Nodes that live in the overlay, the fallen included; null when nobody knows.</param>
    /// <param name="options">What is too many.</param>
    public static string? JudgeFallen(int fallen, int? nodes, AdmissionOptions options) =>
        nodes is { } all && Fallen(options).Stops(fallen, all)
            ? $"{fallen} of its {all} nodes fell back to provisioning within {options.BrakeWindow}"
            : null;

    /// <summary>Why the brake is to stop everybody who would be configured for the overlay; null when it is not.</summary>
    public static string? JudgeMissing(Brake missing, AdmissionOptions options, DateTimeOffset now) =>
        missing.Count(now) is var (count, of) && Missing(options).Stops(count, of)
            ? $"{count} nodes were configured for it and restarted, and neither arrived nor came back to provisioning, "
                + $"the last of them {string.Join(", ", missing.Names.TakeLast(NamesShown))}; look there for why they cannot log in to the "
                + "overlay's brokers, mend it, then release the brake"
            : null;
}
