namespace ControlPlane.FleetSimulator.Faults;

/// <summary>Which node has which fault.</summary>
internal static class FaultPlan
{
    /// <summary>One fault for each node, chosen at random.</summary>
    /// <exception cref="ArgumentException">There are more faults than nodes.</exception>
    public static SimulatedFault[] Make(int nodes, IReadOnlyDictionary<SimulatedFault, FaultShare> shares, Random random)
    {
        var plan = new SimulatedFault[nodes];
        var filled = 0;
        foreach (var (fault, share) in shares.OrderBy(share => share.Key))
        {
            var count = share.Of(nodes);
            if (filled + count > nodes)
            {
                throw new ArgumentException($"the faults ask for more than the {nodes} nodes there are", nameof(shares));
            }

            plan.AsSpan(filled, count).Fill(fault);
            filled += count;
        }

        random.Shuffle(plan);
        return plan;
    }

    /// <summary>Whether a node with the fault is still meant to be enrolled.</summary>
    public static bool MayArrive(SimulatedFault fault) =>
        fault is SimulatedFault.None or SimulatedFault.Slow or SimulatedFault.Lossy or SimulatedFault.Duplicate
            or SimulatedFault.RestartsMidway or SimulatedFault.UnheardStart or SimulatedFault.UnheardArrival
            or SimulatedFault.JobFails or SimulatedFault.JobSilent or SimulatedFault.JobThrice or SimulatedFault.JobLate;
}
