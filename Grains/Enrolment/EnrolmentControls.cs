using System.Collections.Frozen;

namespace ControlPlane.Enrolment;

/// <summary>The controls of all overlays at one moment, as one silo knows them. Judges without asking anybody.</summary>
internal sealed class EnrolmentControls(IEnumerable<EnrolmentControl> controls)
{
    private readonly FrozenDictionary<string, EnrolmentControl> byOverlay =
        controls.ToFrozenDictionary(control => control.Overlay, StringComparer.Ordinal);

    /// <summary>No overlay is held back.</summary>
    public static EnrolmentControls Open { get; } = new([]);

    public IEnumerable<EnrolmentControl> All => byOverlay.Values;

    public EnrolmentControl? Find(string? overlay) => overlay is null ? null : byOverlay.GetValueOrDefault(overlay);

    /// <summary>The limit of an overlay; null when there is none.</summary>
    public EnrolmentLimit? LimitOf(string? overlay) => Find(overlay)?.Limit;

    /// <summary>What a node that is held now waits to see changed.</summary>
    public ControlMark MarkOf(string overlay) => new(overlay, VersionOf(overlay));

    /// <summary>Whether what the mark waits for has happened. An overlay that is configured no more holds nobody.</summary>
    /// <remarks>A mark may be newer than what this silo knows: it came from the grain itself.</remarks>
    public bool HasChangedSince(ControlMark mark) => VersionOf(mark.Overlay) > mark.Version;

    /// <summary>Why a node may not begin to enrol into the overlay; null when it may.</summary>
    /// <param name="overlay">Where it would go.</param>
    /// <param name="hasFallen">Whether it was enrolled and comes back without having been asked to: some brakes stop only those.</param>
    public string? Obstacle(string overlay, bool hasFallen) => Find(overlay) switch
    {
        { Pause: { } pause } => $"enrolment in overlay {overlay} is paused by {pause.By}: {pause.Reason}",
        { Brake: { } brake, BrakesAll: false } when hasFallen =>
            $"enrolling again in overlay {overlay} waits for an operator to release the brake: {brake.Reason}",
        { Brake: { } brake, BrakesAll: true } =>
            $"enrolment in overlay {overlay} waits for an operator to release the brake: {brake.Reason}",
        _ => null,
    };

    /// <summary>Why no node may begin at all, wherever it would be placed; null when one may.</summary>
    public string? ObstacleEverywhere(bool hasFallen) =>
        byOverlay.Count == 0 || byOverlay.Values.Any(control => Obstacle(control.Overlay, hasFallen) is null) ? null
        : byOverlay.Count == 1 ? Obstacle(byOverlay.Values[0].Overlay, hasFallen)
        : $"enrolment is held back in all {byOverlay.Count} overlays; in one, {Obstacle(byOverlay.Values[0].Overlay, hasFallen)}";

    private long VersionOf(string overlay) =>
        overlay == ControlMark.AnyOverlay ? byOverlay.Values.Sum(control => control.Version)
        : byOverlay.TryGetValue(overlay, out var control) ? control.Version
        : long.MaxValue;
}
