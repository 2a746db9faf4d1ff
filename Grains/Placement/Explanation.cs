using System.Globalization;

namespace ControlPlane.Placement;

/// <summary>Turns the trace of a decision back into names and sentences.</summary>
internal static class Explanation
{
    private const int SentencesMax = 5;

    public static PlacementExplanation Of(RegionState ledger, PlacedNode node)
    {
        var record = DecisionTrace.Decode(node.Trace);
        if (record is null)
        {
            return new PlacementExplanation(
                node.Identity, "none", 0, node.Place, "no decision was recorded", node.Attributes, [], [], []);
        }

        var policy = ledger.PolicyAt(record.PolicyVersion);
        string Name(int number) => number >= 0 && number < ledger.OverlaysByNumber.Count ? ledger.OverlaysByNumber[number].Name : "unknown";
        OverlayCandidate[] candidates =
        [
            .. record.Candidates.Select(candidate => new OverlayCandidate(Name(candidate.Number), candidate.Score))
                .OrderByDescending(candidate => candidate.Score).ThenBy(candidate => candidate.Overlay, StringComparer.Ordinal),
        ];
        OverlayRejection[] rejected =
        [
            .. record.Rejected.Select(rejection => new OverlayRejection(
                Name(rejection.Number), policy is null ? "rule of a policy no longer kept"
                    : RuleCode.Name(policy, rejection.By.Rule), Detail(rejection.By)))
                .OrderBy(rejection => rejection.Overlay, StringComparer.Ordinal),
        ];
        var decided = record.Overlay < 0 ? null : Name(record.Overlay);
        return new PlacementExplanation(
            node.Identity,
            string.Create(CultureInfo.InvariantCulture, $"{policy?.Name ?? ledger.Policy.Name}@{record.PolicyVersion}"),
            record.Sequence,
            decided,
            Reason(record, rejected, decided),
            node.Attributes,
            candidates,
            rejected,
            [.. WhatWouldChangeIt(decided, candidates, rejected).Take(SentencesMax)]);
    }

    public static PlacementExplanation Of(RegionState ledger, Decision decision)
    {
        var node = PlacedNode.New(decision.Situation.Node.Identity) with
        {
            Attributes = decision.Situation.Node.Attributes.Json,
            Trace = DecisionTrace.Encode(decision, ledger.Sequence),
        };
        return Of(ledger, node) with { Reason = decision.Reason() };
    }

    private static string Reason(DecisionRecord record, IReadOnlyList<OverlayRejection> rejected, string? decided)
    {
        if (decided is null)
        {
            return "no overlay may take it";
        }

        if (record.IsQuarantine)
        {
            return "no overlay may take it: quarantined";
        }

        if (record.Candidates.Count > 1)
        {
            return string.Create(CultureInfo.InvariantCulture, $"the best of {record.Candidates.Count} overlays");
        }

        var by = rejected.Select(rejection => rejection.By).Distinct(StringComparer.Ordinal).ToArray();
        return by switch
        {
            [] => "the only overlay of the region",
            [var one] => $"{one} leaves no other overlay",
            _ => $"the only overlay that may take it: {string.Join(", ", by)} reject the others",
        };
    }

    private static string Detail(Rejection by) => by.Rule switch
    {
        RuleCode.State => ((OverlayState)by.Found).ToString(),
        _ when by is { Found: 0, Limit: 0 } => "",
        _ => string.Create(CultureInfo.InvariantCulture, $"{by.Found}/{by.Limit}"),
    };

    private static IEnumerable<string> WhatWouldChangeIt(string? decided, OverlayCandidate[] candidates, OverlayRejection[] rejected)
    {
        if (decided is not null && candidates.Length > 1)
        {
            var lead = candidates[0].Score - candidates[1].Score;
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{candidates[1].Overlay} wins if its score grows by more than {lead:0.##}, or {decided} takes no more nodes");
        }

        foreach (var rule in rejected.GroupBy(rejection => rejection.By).OrderBy(rule => rule.Count()))
        {
            var names = string.Join(", ", rule.Take(3).Select(rejection => rejection.Overlay)) + (rule.Count() > 3
                ? $" and {rule.Count() - 3} more" : "");
            yield return rule.Key switch
            {
                "capacity.softLimit" or "capacity.hardLimit" => $"{names} could take it with fewer nodes or a higher limit ({rule.Key})",
                "state" => $"{names} could take it when Active again",
                "unlisted" => "its group may live in an overlay that does not answer, and of which it is not known who lives there",
                "pin" => "without the pin any other overlay is judged by the rules",
                _ => $"{names} could take it without {rule.Key}",
            };
        }
    }
}
