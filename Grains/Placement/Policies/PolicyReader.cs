// Over 400 lines: one reader method for each section of the document, in its order; apart, a rule would be looked for in two places.
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Placement.Policies;

/// <summary>Reads a policy document. Never throws for what a document may hold: it answers all faults with their places.</summary>
internal sealed class PolicyReader
{
    public const string ApiVersion = "placement.controlplane/v1";
    private const int AttributesMax = 64;
    private const int RulesMax = 64;
    private const int PinsMax = 512;

    private readonly DocumentFaults faults;
    private readonly List<RuleSource> sources = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private IReadOnlyList<AttributeRule> attributes = [];
    private bool groupsByIdentity;
    private bool filtersByIdentity;

    private PolicyReader(string text) => faults = new DocumentFaults(text);

    /// <param name="text">The YAML document.</param>
    /// <param name="region">The region that it must be meant for.</param>
    public static PolicyReading Read(string text, string? region)
    {
        var reader = new PolicyReader(text);
        var policy = reader.faults.ReadDocument() is { } root
            ? reader.ReadRoot(new YamlSection(root, reader.faults), region) : null;
        if (policy is not null && !reader.faults.HasErrors)
        {
            PolicyAnalysis.Judge(reader.sources, reader.faults);
        }

        return new PolicyReading(
            reader.faults.HasErrors ? null : policy,
            [.. reader.faults.All.Select(fault => new PolicyFault(fault.Line, fault.Column, fault.Message, fault.IsWarning))]);
    }

    private PlacementPolicy ReadRoot(YamlSection root, string? region)
    {
        root.RequireKind(ApiVersion, "PlacementPolicy");
        var metadata = root.Section("metadata");
        var name = metadata?.RequiredText("name") ?? Missing(root, "metadata");
        var version = metadata?.Integer("version", 1, int.MaxValue) ?? 0;
        if (metadata?.Scalar("region") is { } written && region is not null && written.Value != region)
        {
            faults.Add(written, $"this policy is meant for region '{written.Value}', not for '{region}'");
        }

        metadata?.RejectUnknown();
        var spec = root.Section("spec");
        _ = spec ?? (object)Missing(root, "spec");
        root.RejectUnknown();
        return spec is null ? PlacementPolicy.Default : ReadSpec(spec) with
        {
            Name = name,
            Version = version,
            VersionAt = PlaceOf(metadata?.Child("version") ?? metadata?.Child("name") ?? root.Node),
        };
    }

    private PlacementPolicy ReadSpec(YamlSection spec)
    {
        attributes = [.. ReadAttributes(spec)];
        var policy = new PlacementPolicy
        {
            Name = "",
            Attributes = attributes,
            Capacity = ReadCapacity(spec.Section("capacity")),
            Pins = [.. spec.Sections("pins", PinsMax).Select(ReadPin)],
            Filters = [.. spec.Sections("filters", RulesMax).Select(ReadFilter)],
            Groups = [.. spec.Sections("groups", RulesMax).Select(ReadGroup)],
            Scores = [.. spec.Sections("scores", RulesMax).Select(ReadScore)],
            Unplaceable = ReadUnplaceable(spec.Section("unplaceable")),
            Rebalance = ReadRebalance(spec.Section("rebalance")),
            Decision = ReadDecision(spec.Section("decision")),
            LeaderLost = spec.Choice("leaderLost", LeaderLostRule.Defer),
            GroupsByIdentity = groupsByIdentity,
            FiltersByIdentity = filtersByIdentity,
        };
        if (spec.Scalar("tieBreak") is { Value: not "rendezvous" } tieBreak)
        {
            faults.Add(tieBreak, "'tieBreak' is rendezvous: it is the one that is deterministic and moves few");
        }

        spec.RejectUnknown();
        return policy.Scores.Count > 0 ? policy : policy with { Scores = PlacementPolicy.Default.Scores };
    }

    private IEnumerable<AttributeRule> ReadAttributes(YamlSection spec)
    {
        var declared = spec.Section("attributes");
        if (declared?.Node.Children.Count > AttributesMax)
        {
            faults.Add(declared.Node, $"at most {AttributesMax} attributes, these are {declared.Node.Children.Count}");
        }

        foreach (var (key, value) in declared?.Node.Children.Take(AttributesMax) ?? [])
        {
            if (value is not YamlMappingNode mapping || key is not YamlScalarNode { Value: { Length: > 0 } name })
            {
                faults.Add(value, "an attribute is a mapping with 'from' and 'type'");
                continue;
            }

            var section = new YamlSection(mapping, faults);
            var from = section.RequiredText("from").Split('.');
            AttributeSource? source = from[0] switch
            {
                "jwt" or "claims" => AttributeSource.Claims,
                "enrolment" => AttributeSource.Enrolment,
                "facts" => AttributeSource.Facts,
                _ => null,
            };
            if (source is null || from.Length < 2)
            {
                faults.Add(section.Child("from") ?? value, "'from' is jwt.<claim>, enrolment.<field> or facts.<fact>");
            }

            var rule = new AttributeRule(name, source ?? AttributeSource.Facts, from[1..], section.Choice("type", AttributeType.String));
            if (section.Flag("trusted") is { } trusted && source is not null && trusted != rule.IsTrusted)
            {
                faults.Add(section.Child("trusted")!, trusted
                    ? "facts are what the node says of itself: they cannot be trusted"
                    : "claims and enrolment records are trusted: leave 'trusted' out");
            }

            section.RejectUnknown();
            yield return rule;
        }
    }

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private CapacityRule ReadCapacity(YamlSection? section)
    {
        if (section is null)
        {
            return new CapacityRule(null, null, null, true);
        }

        var rule = new CapacityRule(
            section.Integer("default", 1, 1_000_000),
            section.Number("softLimit", 0.01, 1),
            section.Number("hardLimit", 0.01, 1),
            section.Choice("reserveForGroups", ReserveForGroups.Declared) == ReserveForGroups.Declared);
        if (rule.SoftFraction > rule.HardFraction)
        {
            faults.Add(section.Child("softLimit")!, "the soft limit is above the hard limit");
        }

        section.RejectUnknown();
        return rule;
    }

    private PinRule ReadPin(YamlSection section)
    {
        var pin = new PinRule(
            RequiredPredicate(section, "match", RuleKind.Pin, "pin", maySeeOverlay: false, isHard: true),
            section.RequiredText("overlay"),
            section.Text("reason") ?? "no reason given",
            PlaceOf(section.Child("overlay") ?? section.Node));
        section.RejectUnknown();
        return pin;
    }

    private FilterRule ReadFilter(YamlSection section)
    {
        var name = ReadName(section);
        var when = Predicate(section, "when", RuleKind.Condition, name, maySeeOverlay: true, isHard: true);
        var filter = new FilterRule(name, when,
            RequiredPredicate(section, "require", RuleKind.Filter, name, maySeeOverlay: true, isHard: true));
        section.RejectUnknown();
        return filter;
    }

    private GroupRule ReadGroup(YamlSection section)
    {
        var name = ReadName(section);
        var mode = section.Choice("mode", GroupMode.Required);
        var isHard = mode != GroupMode.Preferred;
        var key = section.Scalars("key").Select(scalar => Slot(scalar, isHard)).ToArray();
        var when = Predicate(section, "when", RuleKind.Condition, name, maySeeOverlay: false, isHard);
        var relation = ReadRelation(section, name, isHard);
        if (key.Length == 0 == relation is null)
        {
            faults.Add(section.Node, $"group '{name}' has either a 'key' or 'with' and 'members'");
        }

        var across = section.Text("across") ?? "overlay";
        if (across != "overlay" && !across.StartsWith("overlay.labels.", StringComparison.Ordinal))
        {
            faults.Add(section.Child("across")!, "'across' is overlay or overlay.labels.<name>");
        }

        var group = new GroupRule
        {
            Name = name,
            Mode = mode,
            Key = key,
            When = And(when, relation),
            Weight = section.Number("weight", -1000, 1000) ?? 50,
            MaxSkew = section.Integer("maxSkew", 1, 1_000_000) ?? 1,
            AcrossLabel = across == "overlay" ? null : across.Replace("overlay.labels.", "", StringComparison.Ordinal),
            DeclaredSize = section.Integer("declaredSize", 0, GroupRule.DeclaredSizeMax) ?? 0,
            DeclaredSizeSlot = ReadDeclaredSize(section),
            At = PlaceOf(section.Child("declaredSize") ?? section.Child("name") ?? section.Node),
        };
        section.RejectUnknown();
        return group;
    }

    private int? ReadDeclaredSize(YamlSection section)
    {
        if (section.Scalar("declaredSizeFrom") is not { } scalar)
        {
            return null;
        }

        // Written as the attribute's name, or as its source: the spec's example does the latter.
        var slot = Enumerable.Range(0, attributes.Count).FirstOrDefault(
            i => attributes[i].Name == scalar.Value
                || $"{attributes[i].Source.ToString().ToLowerInvariant()}.{string.Join('.', attributes[i].Path)}" == scalar.Value, -1);
        if (slot < 0 || attributes[slot].Type != AttributeType.Number)
        {
            faults.Add(scalar, slot < 0 ? $"unknown attribute '{scalar.Value}'" : $"'{scalar.Value}' is not a number");
            return null;
        }

        if (!attributes[slot].IsTrusted)
        {
            faults.Add(scalar, $"'{scalar.Value}' is what the node says of itself: a hard rule may use trusted attributes only");
        }

        return slot;
    }

    // with: {service: payments-db}: the nodes that share something; members: those that want to be with them. One group of both.
    private Predicate? ReadRelation(YamlSection section, string name, bool isHard)
    {
        var members = Predicate(section, "members", RuleKind.Condition, name, maySeeOverlay: false, isHard);
        var with = section.Section("with");
        if (with is null)
        {
            return members;
        }

        var wanted = new List<(int Slot, string Value)>();
        foreach (var (key, value) in with.Node.Children)
        {
            if (key is YamlScalarNode name1 && value is YamlScalarNode { Value: { } text })
            {
                wanted.Add((Slot(name1, isHard), text));
            }
            else
            {
                faults.Add(value, "'with' names attributes and their values");
            }
        }

        bool IsShared(in Applicant node, OverlayEntry? overlay)
        {
            foreach (var (slot, value) in wanted)
            {
                if (node.Attributes.Slots[slot] is not { } found || AttributeBag.Text(found) != value)
                {
                    return false;
                }
            }

            return true;
        }

        return members is null ? IsShared : (in node, overlay) => IsShared(node, overlay) || members(node, overlay);
    }

    private ScoreRule ReadScore(YamlSection section)
    {
        var name = ReadName(section);
        var prefer = Predicate(section, "prefer", RuleKind.Score, name, maySeeOverlay: true, isHard: false);
        var score = new ScoreRule(
            name,
            section.Number("weight", -1000, 1000) ?? 1,
            prefer is null ? section.Choice("fn", ScoreFunction.Prefer) : ScoreFunction.Prefer,
            Predicate(section, "when", RuleKind.Condition, name, maySeeOverlay: true, isHard: false),
            prefer);
        if (score.Function == ScoreFunction.Prefer && prefer is null)
        {
            faults.Add(section.Node, $"score '{name}' has 'fn: headroom', 'fn: sticky' or a 'prefer'");
        }

        section.RejectUnknown();
        return score;
    }

    private UnplaceableRule ReadUnplaceable(YamlSection? section)
    {
        if (section is null)
        {
            return PlacementPolicy.Default.Unplaceable;
        }

        var overlay = section.Text("quarantineOverlay");
        var rule = new UnplaceableRule(
            section.Choice("action", overlay is null ? UnplaceableAction.Defer : UnplaceableAction.Quarantine),
            section.Duration("retryAfter", Second, TimeSpan.FromDays(1)) ?? TimeSpan.FromSeconds(60),
            section.Duration("alertAfter", Second, TimeSpan.FromDays(7)) ?? TimeSpan.FromMinutes(10),
            overlay,
            PlaceOf(section.Child("quarantineOverlay") ?? section.Node));
        if (rule.Action == UnplaceableAction.Quarantine && overlay is null)
        {
            faults.Add(section.Node, "'action: quarantine' needs 'quarantineOverlay'");
        }

        section.RejectUnknown();
        return rule;
    }

    private RebalanceRule ReadRebalance(YamlSection? section)
    {
        var otherwise = PlacementPolicy.Default.Rebalance;
        if (section is null)
        {
            return otherwise;
        }

        var window = section.Scalar("window");
        var parsed = window is null ? null : MaintenanceWindow.ParseOrNull(window.Value!);
        if (window is not null && parsed is null)
        {
            faults.Add(window, "'window' is written as: Sat 01:00-05:00 Europe/Dublin");
        }

        var rule = new RebalanceRule(
            section.Number("maxSkew", 1, 10) ?? otherwise.MaxSkew,
            section.Integer("maxMovesPerMinute", 1, 1_000_000) ?? otherwise.MaxMovesPerMinute,
            parsed,
            section.Choice("approval", Approval.Required) == Approval.Required,
            section.Integer("maxMovesInFlight", 1, 10_000) ?? otherwise.MovesInFlightMax);
        section.RejectUnknown();
        return rule;
    }

    private static DecisionRule ReadDecision(YamlSection? section)
    {
        if (section is null)
        {
            return PlacementPolicy.Default.Decision;
        }

        var rule = new DecisionRule(
            section.Flag("external") ?? false,
            section.Duration("deadline", TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(30)) ?? TimeSpan.FromMilliseconds(500),
            section.Choice("onTimeout", OnTimeout.BuiltIn) == OnTimeout.BuiltIn);
        section.RejectUnknown();
        return rule;
    }

    private string ReadName(YamlSection section)
    {
        var name = section.RequiredText("name");
        if (name.Length > 0 && !names.Add(name))
        {
            faults.Add(section.Child("name")!, $"another rule is named '{name}' already");
        }

        return name;
    }

    private Predicate RequiredPredicate(YamlSection section, string key, RuleKind kind, string rule, bool maySeeOverlay, bool isHard)
    {
        var predicate = Predicate(section, key, kind, rule, maySeeOverlay, isHard);
        if (predicate is null && section.Child(key) is null)
        {
            faults.Add(section.Node, $"'{key}' is missing");
        }

        return predicate ?? ((in _, _) => false);
    }

    private Predicate? Predicate(YamlSection section, string key, RuleKind kind, string rule, bool maySeeOverlay, bool isHard)
    {
        if (section.Scalar(key) is not { } scalar)
        {
            return null;
        }

        try
        {
            var syntax = PredicateParser.Parse(scalar.Value!);
            var compiler = new PredicateCompiler(new PredicateScope(attributes, maySeeOverlay, isHard));
            var predicate = compiler.Compile(syntax);
            groupsByIdentity |= !maySeeOverlay && kind != RuleKind.Pin && compiler.AsksIdentity;
            filtersByIdentity |= maySeeOverlay && isHard && compiler.AsksIdentity;
            sources.Add(new RuleSource(kind, rule, section.Node, scalar, syntax));
            return predicate;
        }
        catch (PredicateFaultException fault)
        {
            faults.AddInside(scalar, fault.At, fault.Message);
            return null;
        }
    }

    private int Slot(YamlScalarNode scalar, bool isHard)
    {
        for (var i = 0; i < attributes.Count; i++)
        {
            if (attributes[i].Name != scalar.Value)
            {
                continue;
            }

            if (isHard && !attributes[i].IsTrusted)
            {
                faults.Add(scalar, $"'{scalar.Value}' is what the node says of itself: a hard rule may use trusted attributes only");
            }

            return i;
        }

        faults.Add(scalar, $"unknown attribute '{scalar.Value}'");
        return 0;
    }

    private static Predicate? And(Predicate? one, Predicate? other) =>
        one is null ? other : other is null ? one : (in node, overlay) => one(node, overlay) && other(node, overlay);

    private static DocumentPlace PlaceOf(YamlNode node) => new((int)node.Start.Line, (int)node.Start.Column);

    private string Missing(YamlSection section, string key)
    {
        faults.Add(section.Node, $"'{key}' is missing");
        return "";
    }

    private enum ReserveForGroups
    {
        Declared,
        None,
    }

    private enum Approval
    {
        Required,
        None,
    }

    private enum OnTimeout
    {
        BuiltIn,
        Defer,
    }
}

/// <param name="Policy">Null when a fault is an error.</param>
/// <param name="Faults">In the order of the document.</param>
internal sealed record PolicyReading(PlacementPolicy? Policy, IReadOnlyList<PolicyFault> Faults);

internal enum RuleKind
{
    Pin,
    Filter,
    Condition,
    Score,
}

/// <summary>Where a predicate stands in the document, for the judgement of rules against each other.</summary>
internal sealed record RuleSource(RuleKind Kind, string Rule, YamlNode Section, YamlScalarNode At, PredicateSyntax Syntax);
