namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What a node has in memory from one start to the next.</summary>
internal sealed record NodeProcess
{
    /// <summary>Whether it waits to be provisioned. Decided once per start.</summary>
    public required bool IsProvisioning { get; init; }

    /// <summary>The collectives it belongs to; the first is the main one.</summary>
    public required IReadOnlyList<string> Collectives { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    public ProvisioningLock Lock { get; init; } = ProvisioningLock.Free;

    /// <summary>The X25519 private key whose public half the last <c>jwt</c> told; null before the first.</summary>
    public byte[]? ExchangeKey { get; init; }

    /// <summary>Whether a restart or shutdown was accepted: it keeps the provisioning agent's mutex until the process ends.</summary>
    public bool IsLeaving { get; init; }
}
