using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using ControlPlane.Filters;
using YamlDotNet.RepresentationModel;

namespace ControlPlane.Access.Policies;

/// <summary>Reads a policy file. Never throws for what a text may hold: it answers all faults with their places.</summary>
public sealed class AccessPolicyReader
{
    public const string ApiVersion = "access.controlplane/v1";

    private const int RulesMax = 5000;
    private const int VersionLength = 12;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    // What only requests of Choria's own say, what jobs say too, what is kept where jobs run, and what only approvals say: elsewhere such a
    // condition would be never or always true.
    private static readonly string[] ChoriaRequests = [Permissions.RequestsSign];
    private static readonly string[] Actions = [Permissions.RequestsSign, Permissions.JobsRun];
    private static readonly string[] Jobs = [Permissions.JobsRun];
    private static readonly string[] Approvals = [Permissions.PlacementPlansApprove, Permissions.JobsApprove];

    private readonly DocumentFaults faults;
    private readonly Dictionary<string, YamlNode> roles = new(StringComparer.Ordinal);
    private readonly HashSet<string> names = new(StringComparer.Ordinal);

    private AccessPolicyReader(string text) => faults = new DocumentFaults(text);

    public static AccessPolicyReading Read(string text)
    {
        var reader = new AccessPolicyReader(text);
        var content = reader.faults.ReadDocument() is { } root ? reader.ReadRoot(new YamlSection(root, reader.faults), text) : null;
        return new AccessPolicyReading(
            content is null || reader.faults.HasErrors ? null : new AccessPolicy(content), reader.faults.All);
    }

    private AccessPolicyContent ReadRoot(YamlSection root, string text)
    {
        root.RequireKind(ApiVersion, "AccessPolicy");
        var content = new AccessPolicyContent
        {
            Version = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..VersionLength],
            IsDryRun = ReadMode(root),
            Rules = [.. ReadRoles(root.Section("roles"))],
            Grants = [.. root.Sections("grants", RulesMax).Select(ReadGrant)],
            Denials = [.. root.Sections("denials", RulesMax).Select(ReadDenial)],
            External = root.Section("external") is { } external ? ReadExternal(external) : null,
            Cases = [.. root.Sections("tests", RulesMax).Select(test => new AccessCaseReader(test, faults).Read())],
        };
        root.RejectUnknown();
        return content;
    }

    private bool ReadMode(YamlSection root)
    {
        if (root.Scalar("mode") is not { } mode)
        {
            return false;
        }

        if (mode.Value is not ("enforce" or "dry-run"))
        {
            faults.Add(mode, "'mode' is enforce or dry-run");
        }

        return mode.Value == "dry-run";
    }

    private IEnumerable<AccessRule> ReadRoles(YamlSection? section)
    {
        foreach (var key in section?.Node.Children.Keys ?? [])
        {
            if (key is not YamlScalarNode { Value: { Length: > 0 } role })
            {
                faults.Add(key, "a role has a name");
                continue;
            }

            roles[role] = key;
            foreach (var (index, rule) in section!.Sections(role, RulesMax).Index())
            {
                yield return ReadRule(rule, role, $"role '{role}', rule {index + 1}");
            }
        }
    }

    private AccessRule ReadRule(YamlSection section, string role, string place)
    {
        var permissions = ReadPermissions(section);
        var limits = section.Section("limits");
        var conditions = section.Section("conditions");
        var rule = new AccessRule(role, place, permissions)
        {
            Scope = ReadScope(section, permissions),
            TargetsMax = limits?.Integer("targets", 1, int.MaxValue),
            ConcurrencyMax = limits?.Integer("concurrency", 1, 1_000_000),
            SecondFactorWithin = conditions?.Duration("secondFactor", Second, TimeSpan.FromDays(1)),
            NeedsReason = conditions?.Flag("reason") ?? false,
            NeedsFourEyes = conditions?.Flag("fourEyes") ?? false,
        };
        RejectUnfit(rule, limits, conditions);
        limits?.RejectUnknown();
        conditions?.RejectUnknown();
        section.RejectUnknown();
        return rule;
    }

    // What would be never or always true.
    private void RejectUnfit(AccessRule rule, YamlSection? limits, YamlSection? conditions)
    {
        if (rule.ConcurrencyMax is not null)
        {
            RequireOnly(limits!.Child("concurrency")!, "concurrency", rule.Permissions, Jobs);
        }

        var mute = rule.Permissions.Where(permission => !Permissions.TakesReason(permission)).Order(StringComparer.Ordinal).ToList();
        if (rule.NeedsReason && mute.Count > 0)
        {
            faults.Add(
                conditions!.Child("reason")!,
                $"nobody can say why for {string.Join(", ", mute)}: give them a rule of their own without it");
        }

        if (rule.NeedsFourEyes)
        {
            RequireOnly(conditions!.Child("fourEyes")!, "fourEyes", rule.Permissions, Approvals);
        }
    }

    private RoleGrant ReadGrant(YamlSection section)
    {
        var role = section.RequiredText("role");
        if (role.Length > 0 && !roles.ContainsKey(role))
        {
            faults.Add(section.Child("role")!, $"there is no role '{role}'{NearestName.Suggest(role, roles.Keys)}");
        }

        var grant = new RoleGrant(role, ReadSubjects(section));
        section.RejectUnknown();
        return grant;
    }

    private Denial ReadDenial(YamlSection section)
    {
        var name = section.RequiredText("name");
        if (name.Length > 0 && !names.Add(name))
        {
            faults.Add(section.Child("name")!, $"another denial is named '{name}' already");
        }

        var permissions = ReadPermissions(section);
        var denial = new Denial(name, ReadSubjects(section), permissions, ReadScope(section, permissions));
        section.RejectUnknown();
        return denial;
    }

    private Subjects ReadSubjects(YamlSection section)
    {
        var subjects = new Subjects
        {
            Principals = Texts(section, "principals"),
            Groups = Texts(section, "groups"),
            Claims = [.. ReadClaims(section.Section("claims"))],
            Methods = ReadMethods(section),
        };
        if (subjects.IsNobody)
        {
            faults.Add(section.Node, $"names nobody: give 'principals', 'groups' or 'claims'; '{Subjects.Everybody}' among the "
                + "principals stands for everybody who is authenticated");
        }

        if (section.Child("groups") is { } groups && subjects.Groups.Contains(Subjects.Everybody))
        {
            faults.Add(groups, $"'{Subjects.Everybody}' stands among the principals");
        }

        return subjects;
    }

    private IEnumerable<(string Name, FrozenSet<string> Values)> ReadClaims(YamlSection? section)
    {
        foreach (var key in section?.Node.Children.Keys.OfType<YamlScalarNode>() ?? [])
        {
            var values = Texts(section!, key.Value!);
            if (values.Count == 0)
            {
                faults.Add(key, $"'{key.Value}' names the values of which the claim must have one");
            }

            yield return (key.Value!, values.ToFrozenSet(StringComparer.Ordinal));
        }
    }

    private FrozenSet<CallerMethod>? ReadMethods(YamlSection section)
    {
        CallerMethod[] known = [.. Enum.GetValues<CallerMethod>().Where(method => method != CallerMethod.System)];
        var methods = new HashSet<CallerMethod>();
        foreach (var scalar in section.Scalars("methods"))
        {
            var found = Array.FindIndex(known, method => NameOf(method) == scalar.Value);
            if (found < 0)
            {
                faults.Add(scalar, $"'methods' are of {string.Join(", ", known.Select(NameOf))}");
                continue;
            }

            methods.Add(known[found]);
        }

        return section.Child("methods") is null ? null : methods.ToFrozenSet();
    }

    private ExternalRule ReadExternal(YamlSection section)
    {
        var external = new ExternalRule(
            ReadPermissions(section),
            section.Duration("deadline", TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10)) ?? TimeSpan.FromMilliseconds(500));
        section.RejectUnknown();
        return external;
    }

    private AccessScope ReadScope(YamlSection section, FrozenSet<string> permissions)
    {
        foreach (var key in (string[])["collectives", "agents", "actions"])
        {
            if (section.Child(key) is { } of)
            {
                RequireOnly(of, key, permissions, key == "collectives" ? ChoriaRequests : Actions);
            }
        }

        return new AccessScope
        {
            Sites = Names(section, "sites"),
            Regions = Names(section, "regions"),
            Overlays = Names(section, "overlays"),
            Collectives = Names(section, "collectives"),
            Agents = Names(section, "agents"),
            Actions = Names(section, "actions"),
            Nodes = ReadFilter(section),
        };
    }

    private FilterExpression? ReadFilter(YamlSection section)
    {
        if (section.Scalar("nodes") is not { } scalar)
        {
            return null;
        }

        try
        {
            return FilterReader.Read(scalar.Value!);
        }
        catch (FilterException unclear)
        {
            faults.Add(scalar, unclear.Message);
            return null;
        }
    }

    private FrozenSet<string> ReadPermissions(YamlSection section)
    {
        var permissions = new HashSet<string>(StringComparer.Ordinal);
        foreach (var scalar in section.Scalars("permissions"))
        {
            var known = PermissionPattern.Match(scalar.Value!);
            permissions.UnionWith(known);
            if (scalar.Value == Permissions.AccessSelf)
            {
                faults.Add(scalar, $"everybody who is authenticated has '{Permissions.AccessSelf}': it is neither given nor denied");
            }
            else if (known.Count == 0)
            {
                faults.Add(scalar, PermissionPattern.FaultOf(scalar.Value!)!);
            }
        }

        if (section.Child("permissions") is null or YamlSequenceNode { Children.Count: 0 })
        {
            faults.Add(section.Node, "'permissions' is missing");
        }

        return permissions.ToFrozenSet(StringComparer.Ordinal);
    }

    private void RequireOnly(YamlNode at, string key, FrozenSet<string> permissions, string[] fitting)
    {
        if (permissions.Except(fitting).Any())
        {
            faults.Add(at, $"'{key}' says something of {string.Join(", ", fitting)} alone: give the other permissions a rule of their own");
        }
    }

    // An empty list names nobody and nothing; it is not the same as none.
    private FrozenSet<string>? Names(YamlSection section, string key) =>
        section.Child(key) is null ? null : Texts(section, key).ToFrozenSet(StringComparer.Ordinal);

    private IReadOnlyList<string> Texts(YamlSection section, string key)
    {
        var texts = section.Scalars(key);
        foreach (var empty in texts.Where(text => string.IsNullOrWhiteSpace(text.Value)))
        {
            faults.Add(empty, $"'{key}' are names");
        }

        return [.. texts.Select(text => text.Value!)];
    }

    internal static string NameOf(CallerMethod method) =>
        System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(method.ToString());
}

/// <summary>Permissions by name, or all that begin alike.</summary>
public static class PermissionPattern
{
    /// <summary>Why a text names no permission; null when it names one.</summary>
    public static string? FaultOf(string permission) => Permissions.All.Contains(permission)
        ? null
        : $"there is no permission '{permission}'{NearestName.Suggest(permission, Permissions.All)}";

    /// <summary>The permissions that are meant: none for a name that is not known. What everybody has is never meant.</summary>
    public static IReadOnlyList<string> Match(string text) =>
    [
        .. Permissions.All.Where(permission => permission != Permissions.AccessSelf
            && (permission == text || text == "*"
                || (text.EndsWith(".*", StringComparison.Ordinal) && permission.StartsWith(text[..^1], StringComparison.Ordinal)))),
    ];
}

/// <param name="Policy">Null when there is a fault.</param>
/// <param name="Faults">In the order of the document.</param>
public sealed record AccessPolicyReading(AccessPolicy? Policy, IReadOnlyList<YamlFault> Faults);
