namespace ControlPlane.Placement.Policies;

/// <summary>Checks and applies the policies of a region, and tries them on nodes without placing any.</summary>
internal sealed class RegionPolicies(StoredRegion history, string region)
{
    private const int ExamplesMax = 20;

    private RegionState Ledger => history.Ledger;

    public PolicyVerdict Check(string text)
    {
        var reading = PolicyReader.Read(text, region);
        if (reading.Policy is not { } policy)
        {
            return new PolicyVerdict(reading.Faults, Ledger.Policy.Version, false, null);
        }

        var shadow = Ledger.Shadow(history.Options, policy);
        var faults = reading.Faults.Concat(JudgeAgainstRegion(policy, shadow)).ToArray();
        return new PolicyVerdict(faults, Ledger.Policy.Version, false, Try(shadow));
    }

    public async Task<PolicyVerdict> Apply(string text, string actor, string reason)
    {
        if (Ledger.History.Current is { } current && current.Text == text)
        {
            await history.Written;
            return new PolicyVerdict([], current.Version, true, null);
        }

        var verdict = Check(text);
        if (verdict.HasErrors)
        {
            return verdict;
        }

        var policy = PolicyReader.Read(text, region).Policy!;
        var version = policy.Version == 0 ? Ledger.Policy.Version + 1 : policy.Version;
        if (version <= Ledger.Policy.Version)
        {
            var stale = Fault(policy.VersionAt, $"version {version} is not newer than version {Ledger.Policy.Version}, which is in force");
            return verdict with { Faults = [.. verdict.Faults, stale] };
        }

        await history.Record(new PlacementChange.PolicyApplied(new PolicyVersion(version, policy.Name, text, actor, history.Now, reason)));
        Ledger.Configure(history.Options);
        return verdict with { Version = version, Applied = true };
    }

    /// <summary>Places made-up nodes on a copy of the ledger, in the order given.</summary>
    public SimulationOutcome Simulate(IReadOnlyList<PlacementRequest> nodes, string? text)
    {
        var reading = text is null ? new PolicyReading(Ledger.Policy, []) : PolicyReader.Read(text, region);
        if (reading.Policy is not { } policy)
        {
            return new SimulationOutcome(reading.Faults, [], []);
        }

        var shadow = Ledger.Shadow(history.Options, policy);
        var placed = new List<SimulatedNode>(nodes.Count);
        foreach (var request in nodes)
        {
            var bag = shadow.Share(AttributeBag.Read(policy, request.ClaimsJson, request.EnrolmentJson, request.FactsJson));
            var known = shadow.Node(request.Identity);
            var decision = PlacementEngine.Decide(shadow, new Applicant(request.Identity, bag), known);
            placed.Add(new SimulatedNode(request.Identity, decision.Overlay?.Name, decision.Reason()));
            if (decision.Overlay is { } overlay)
            {
                shadow.Apply(new PlacementChange.NodeChanged((known ?? PlacedNode.New(request.Identity)) with
                {
                    Home = overlay.Name,
                    Held = null,
                    Attributes = bag.Json,
                    Declared = decision.Declared,
                }));
            }
        }

        return new SimulationOutcome(reading.Faults, placed, RegionPlacementGrain.Snapshots(shadow));
    }

    private static IEnumerable<PolicyFault> JudgeAgainstRegion(PlacementPolicy policy, RegionState shadow)
    {
        var overlays = shadow.Overlays.Where(overlay => overlay.IsConfigured).ToArray();
        var largest = overlays.Select(overlay => overlay.HardLimit).DefaultIfEmpty().Max();
        foreach (var rule in policy.Groups.Where(rule => rule.Mode == GroupMode.Required && rule.DeclaredSize > largest))
        {
            yield return Fault(rule.At,
                $"group '{rule.Name}' declares {rule.DeclaredSize} nodes, and the largest overlay takes {largest}: it needs a finer key");
        }

        foreach (var group in shadow.Groups)
        {
            var size = Math.Max(group.Members, group.Declared);
            if (policy.Groups[group.Rule].Mode == GroupMode.Required && size > largest)
            {
                yield return Fault(policy.Groups[group.Rule].At,
                    $"group {group.Id} has {size} nodes, and the largest overlay takes {largest}: it needs a finer key");
            }
        }

        foreach (var (name, at) in policy.Pins.Select(pin => (pin.Overlay, pin.At))
            .Append((policy.Unplaceable.Overlay ?? "", policy.Unplaceable.At)).DistinctBy(named => named.Item1, StringComparer.Ordinal))
        {
            if (name.Length > 0 && shadow.Overlay(name) is not { IsConfigured: true })
            {
                yield return Fault(at, $"the region has no overlay '{name}'", isWarning: true);
            }
        }
    }

    private static PolicyFault Fault(DocumentPlace at, string message, bool isWarning = false) =>
        new(Math.Max(1, at.Line), Math.Max(1, at.Column), message, isWarning);

    internal static PolicyDryRun Try(RegionState shadow)
    {
        var counts = new Dictionary<(string Overlay, string Rule), int>();
        var examples = new List<MisplacedNode>();
        var unplaceable = 0;
        foreach (var node in shadow.AllNodes())
        {
            if (node.Place is not { } place || shadow.Overlay(place) is not { } overlay)
            {
                continue;
            }

            var applicant = shadow.ApplicantOf(node);
            if (PlacementEngine.Reject(Situation.Of(shadow, applicant, node), overlay) is not { } by)
            {
                continue;
            }

            var rule = RuleCode.Name(shadow.Policy, by.Rule);
            counts[(place, rule)] = counts.GetValueOrDefault((place, rule)) + 1;
            var target = PlacementEngine.Decide(shadow, applicant, node).Overlay?.Name;
            unplaceable += target is null ? 1 : 0;
            if (examples.Count < ExamplesMax)
            {
                examples.Add(new MisplacedNode(node.Identity, place, rule, target));
            }
        }

        var required = shadow.Groups.Where(group => shadow.Policy.Groups[group.Rule].Mode == GroupMode.Required).ToArray();
        var largest = required.MaxBy(group => (Math.Max(group.Members, group.Declared), group.Id));
        return new PolicyDryRun(
            shadow.NodeCount,
            [.. counts.OrderByDescending(count => count.Value).ThenBy(count => count.Key.Overlay, StringComparer.Ordinal)
                .Select(count => new MisplacedNodes(count.Key.Overlay, count.Key.Rule, count.Value))],
            unplaceable,
            required.Count(group => group.IsSplit),
            largest is null ? "" : $"{largest.Id}: {Math.Max(largest.Members, largest.Declared)}",
            examples);
    }
}
