using System.Collections.Frozen;

namespace ControlPlane.Access.Policies;

/// <summary>A policy that was read without a fault, ready to decide. Immutable, thread-safe.</summary>
public sealed class AccessPolicy
{
    /// <summary>What stands for a version where there is no policy.</summary>
    public const string NoVersion = "none";

    private readonly SubjectIndex<string> roles;
    private readonly FrozenDictionary<string, SubjectIndex<Denial>> denials;
    private readonly FrozenDictionary<(string Permission, string Role), AccessRule[]> rules;
    private readonly FrozenSet<string> needingNode;
    private readonly FrozenSet<string> needingSaid;
    private readonly FrozenSet<string> needingSubmitter;

    internal AccessPolicy(AccessPolicyContent content)
    {
        Content = content;
        roles = new(content.Grants.Select(grant => (grant.Who, grant.Role)));
        denials = content.Denials.SelectMany(denial => denial.Permissions.Select(permission => (permission, denial)))
            .GroupBy(one => one.permission)
            .ToFrozenDictionary(group => group.Key, group => new SubjectIndex<Denial>(group.Select(one => (one.denial.Who, one.denial))));
        rules = content.Rules.SelectMany(rule => rule.Permissions.Select(permission => ((permission, rule.Role), rule)))
            .GroupBy(one => one.Item1)
            .ToFrozenDictionary(group => group.Key, group => group.Select(one => one.rule).ToArray());
        needingNode = PermissionsWhere(content, scope => scope.NeedsNode);
        needingSaid = PermissionsWhere(content, scope => scope.NeedsSaid);
        needingSubmitter = content.Rules.Where(rule => rule.NeedsFourEyes).SelectMany(rule => rule.Permissions)
            .ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>The beginning of the SHA-256 of its text.</summary>
    public string Version => Content.Version;

    /// <summary>Whether what it denies is allowed all the same, and told.</summary>
    public bool IsDryRun => Content.IsDryRun;

    /// <summary>Whether an authority outside has a say in some permissions.</summary>
    public bool AsksOutside => Content.External is not null;

    internal AccessPolicyContent Content { get; }

    /// <summary>Whether a decision depends on what is known of the request's node.</summary>
    internal bool NeedsNode(string permission) => needingNode.Contains(permission);

    /// <summary>Whether a decision depends on who made what is to be approved.</summary>
    internal bool NeedsSubmitter(string permission) => needingSubmitter.Contains(permission);

    /// <summary>Whether a decision depends on what the request's node said of itself.</summary>
    internal bool NeedsSaid(string permission) => needingSaid.Contains(permission);

    internal bool IsJudgedOutside(string permission) => Content.External?.Permissions.Contains(permission) == true;

    internal IReadOnlyList<Denial> DenialsOf(string permission, Caller caller)
    {
        if (!denials.TryGetValue(permission, out var index))
        {
            return [];
        }

        var found = new List<Denial>();
        index.Find(caller, found);
        return found;
    }

    /// <summary>The caller's roles of this policy: those granted here, and those that the credential gives.</summary>
    internal IReadOnlyCollection<string> RolesOf(Caller caller)
    {
        var found = new HashSet<string>(caller.Roles, StringComparer.Ordinal);
        roles.Find(caller, found);
        return found;
    }

    internal IReadOnlyList<AccessRule> RulesOf(string permission, string role) => rules.GetValueOrDefault((permission, role)) ?? [];

    private static FrozenSet<string> PermissionsWhere(AccessPolicyContent content, Func<AccessScope, bool> holds) =>
        content.Rules.Where(rule => holds(rule.Scope)).SelectMany(rule => rule.Permissions)
            .Concat(content.Denials.Where(denial => holds(denial.Scope)).SelectMany(denial => denial.Permissions))
            .ToFrozenSet(StringComparer.Ordinal);
}

/// <summary>What a policy file says.</summary>
internal sealed record AccessPolicyContent
{
    public required string Version { get; init; }

    public bool IsDryRun { get; init; }

    public IReadOnlyList<AccessRule> Rules { get; init; } = [];

    public IReadOnlyList<RoleGrant> Grants { get; init; } = [];

    public IReadOnlyList<Denial> Denials { get; init; } = [];

    public ExternalRule? External { get; init; }

    public IReadOnlyList<AccessCase> Cases { get; init; } = [];
}

/// <summary>What is asked outside besides, once the policy allows it.</summary>
/// <param name="Permissions">For which permissions.</param>
/// <param name="Deadline">How long an answer may take.</param>
internal sealed record ExternalRule(FrozenSet<string> Permissions, TimeSpan Deadline);
