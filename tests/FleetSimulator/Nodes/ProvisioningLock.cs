namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>The lock that keeps two provisioners from working on one node. In memory: a restart frees it.</summary>
/// <param name="Holder"><c>sender.caller</c> of who holds it; null when it was never taken.</param>
/// <param name="Until">When it frees itself.</param>
internal sealed record ProvisioningLock(string? Holder, DateTimeOffset Until)
{
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    public static ProvisioningLock Free { get; } = new(null, DateTimeOffset.MinValue);

    /// <summary>The lock after a caller asked for it, or null when another holds it. Asking again extends it.</summary>
    public ProvisioningLock? TakeOrNull(string caller, DateTimeOffset now) =>
        Holder is null || Holder == caller || now >= Until ? new ProvisioningLock(caller, now + Lifetime) : null;
}
