namespace ControlPlane.Access;

/// <summary>What a caller asks to be allowed.</summary>
/// <param name="Permission">One of <see cref="Permissions.All"/>.</param>
public sealed record AccessRequest(string Permission)
{
    /// <summary>In the place of a permission, for the record of what nobody can be allowed.</summary>
    public const string NoPermission = "none";

    /// <summary>The overlay that it is about; null when it is about the site, or about a node.</summary>
    public string? Overlay { get; init; }

    /// <summary>The node that it is about; null when it is about no single one.</summary>
    public string? Node { get; init; }

    /// <summary>The plan that it is about; null when it is about none.</summary>
    public string? Plan { get; init; }

    /// <summary>The job that it is about; null when it is about none, or when the job is submitted.</summary>
    public string? Job { get; init; }

    /// <summary>The collective of a Choria request.</summary>
    public string? Collective { get; init; }

    /// <summary>The agent of a Choria request.</summary>
    public string? Agent { get; init; }

    /// <summary>The action of a Choria request.</summary>
    public string? Action { get; init; }

    /// <summary>Other actions that nodes may be asked for along with it: each must be allowed as well.</summary>
    public IReadOnlyList<(string Agent, string Action)> AlsoActions { get; init; } = [];

    /// <summary>What a Choria request says besides; null for what is none.</summary>
    public ChoriaRequestFacts? Choria { get; init; }

    /// <summary>
    /// Whether the nodes of a job are chosen. When it is submitted they are not: what rules say of nodes is left to the overlays then, each
    /// of which judges the nodes that it chose before it takes any on.
    /// </summary>
    public bool AreNodesChosen { get; init; }

    /// <summary>How many nodes it is about, where that is known.</summary>
    public int? Targets { get; init; }

    /// <summary>Why, in the caller's words; null when the call takes no reason.</summary>
    public string? Reason { get; init; }

    /// <summary>
    /// Who made what is to be approved, where nobody can be asked by <see cref="Plan"/> or <see cref="Job"/>; null where nothing is
    /// approved.
    /// </summary>
    public string? Submitter { get; init; }

    /// <summary>What is called: the route's or the method's name, for the record.</summary>
    public string Operation { get; init; } = "";

    /// <summary>What it was called with, for the record: never a secret.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = NoParameters;

    private static readonly IReadOnlyDictionary<string, string> NoParameters = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>What a Choria request that is to be signed says besides collective, agent and action.</summary>
/// <param name="Sender">The identity that it says it comes from.</param>
/// <param name="DataJson">Its data, as JSON.</param>
/// <param name="Lifetime">How long it may be acted upon.</param>
/// <param name="At">When it was made.</param>
public sealed record ChoriaRequestFacts(string Sender, string DataJson, TimeSpan Lifetime, DateTimeOffset At);

/// <summary>What the policy says to a request.</summary>
/// <param name="IsAllowed">Whether it may be done. True also for what is denied in words only, while the policy is tried out.</param>
/// <param name="Rule">The rule that decided, by its place in the policy; what is missing where none did.</param>
/// <param name="Policy">The version of the policy that was asked.</param>
/// <param name="WouldBeDenied">It is allowed only because the policy is tried out.</param>
public sealed record AccessDecision(bool IsAllowed, string Rule, string Policy, bool WouldBeDenied = false)
{
    /// <summary>How many nodes at once the rule lets a job work on; null when it says nothing. Whoever runs the job keeps it.</summary>
    public int? ConcurrencyMax { get; init; }

    /// <summary>Who submitted what is approved, where a rule demanded that somebody else did; null otherwise.</summary>
    public string? Submitter { get; init; }

    /// <summary>What a caller is told who is denied.</summary>
    public AccessDeniedException ToException(Caller caller, AccessRequest request) =>
        new($"{caller.Principal} may not {request.Permission}: {Rule}");
}
