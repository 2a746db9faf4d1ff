using ControlPlane.Flow;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Access.Policies;

/// <summary>Judges by the site's policy file, and by whoever is asked outside besides.</summary>
public sealed partial class PolicyAccess : IAccessPolicy
{
    private static readonly TimeSpan LogPace = TimeSpan.FromMinutes(10);

    /// <summary>Callers and permissions of which a line is logged within <see cref="LogPace"/>; all are counted.</summary>
    private const int LoggedMax = 100;

    private readonly IPolicySource source;
    private readonly INodeFacts nodes;
    private readonly IReadOnlyList<ISubmissions> submissions;
    private readonly ExternalAuthorization outside;
    private readonly AccessMeter meter;
    private readonly TimeProvider time;
    private readonly ILogger<PolicyAccess> logger;
    private readonly RepeatPace pace;

    internal PolicyAccess(
        IPolicySource source,
        INodeFacts nodes,
        IReadOnlyList<ISubmissions> submissions,
        ExternalAuthorization outside,
        AccessMeter meter,
        TimeProvider time,
        ILogger<PolicyAccess> logger)
    {
        (this.source, this.nodes, this.submissions, this.outside) = (source, nodes, submissions, outside);
        (this.meter, this.time, this.logger) = (meter, time, logger);
        pace = new RepeatPace(LogPace, LoggedMax, time);
    }

    public async ValueTask<AccessDecision> JudgeAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken)
    {
        var decision = await JudgeActionAsync(caller, request, cancellationToken);
        foreach (var (agent, action) in decision.IsAllowed ? request.AlsoActions : [])
        {
            var also = await JudgeActionAsync(caller, request with { Agent = agent, Action = action }, cancellationToken);
            if (!also.IsAllowed || also.WouldBeDenied)
            {
                decision = also with { Rule = $"{agent}#{action}: {also.Rule}", ConcurrencyMax = decision.ConcurrencyMax };
                break;
            }
        }

        meter.Decided(decision);
        if (decision.WouldBeDenied && pace.Admits($"{caller.Principal} {request.Permission}"))
        {
            LogWouldBeDenied(caller.Principal, request.Permission, decision.Rule, decision.Policy);
        }

        return decision;
    }

    /// <summary>Says why the policy decides as it does. Changes nothing, asks nobody outside and records nothing.</summary>
    public async ValueTask<AccessExplanation> ExplainAsync(Caller caller, AccessRequest request, CancellationToken cancellationToken)
    {
        if (source.Current is not { } policy)
        {
            return new AccessExplanation(JudgeWithout(caller, request), [], []);
        }

        return AccessExplanation.Of(policy, caller, request, await GatherAsync(policy, request, cancellationToken));
    }

    private async ValueTask<AccessDecision> JudgeActionAsync(
        Caller caller, AccessRequest request, CancellationToken cancellationToken) => source.Current is { } policy
        ? await JudgeAsync(policy, caller, request, cancellationToken)
        : JudgeWithout(caller, request);

    private async ValueTask<AccessDecision> JudgeAsync(
        AccessPolicy policy, Caller caller, AccessRequest request, CancellationToken cancellationToken)
    {
        var facts = await GatherAsync(policy, request, cancellationToken);
        var decision = AccessJudge.Judge(policy, caller, request, facts) with { Submitter = facts.Submitter };
        if (!decision.IsAllowed || decision.WouldBeDenied || !policy.IsJudgedOutside(request.Permission))
        {
            return decision;
        }

        var question = new AccessQuestion(caller, request, source.Site, facts.Node?.Overlay ?? request.Overlay, facts.Now);
        return await outside.WhyNotAsync(question, policy.Content.External!.Deadline, cancellationToken) is { } why
            ? AccessJudge.Denied(policy, why) with { Submitter = facts.Submitter }
            : decision;
    }

    // A policy that cannot be read is not the same as none: nobody may do anything by it.
    private AccessDecision JudgeWithout(Caller caller, AccessRequest request) =>
        !source.IsConfigured || request.Permission == Permissions.AccessSelf
            ? AccessJudge.WithoutPolicy(caller, request)
            : new AccessDecision(false, "the policy file cannot be read", AccessPolicy.NoVersion);

    private async ValueTask<AccessFacts> GatherAsync(
        AccessPolicy policy, AccessRequest request, CancellationToken cancellationToken) => new(
        source.Site,
        request.Node is { } node && policy.NeedsNode(request.Permission)
            ? await nodes.FindAsync(node, policy.NeedsSaid(request.Permission), cancellationToken) : null,
        time.GetUtcNow())
    {
        Region = source.Region,
        Submitter = policy.NeedsSubmitter(request.Permission) ? await FindSubmitterAsync(request, cancellationToken) : null,
    };

    private async ValueTask<string?> FindSubmitterAsync(AccessRequest request, CancellationToken cancellationToken)
    {
        foreach (var kind in submissions)
        {
            if (await kind.FindSubmitterAsync(request, cancellationToken) is { } submitter)
            {
                return submitter;
            }
        }

        return null;
    }

    [LoggerMessage(LogLevel.Warning, "{Principal} may {Permission} only because the access policy {Policy} is tried out: {Rule}")]
    private partial void LogWouldBeDenied(string principal, string permission, string rule, string policy);
}

/// <param name="Decision">What would be decided.</param>
/// <param name="Roles">The caller's roles.</param>
/// <param name="Considered">Every rule and denial that concerns caller and permission.</param>
public sealed record AccessExplanation(AccessDecision Decision, IReadOnlyList<string> Roles, IReadOnlyList<ConsideredRule> Considered)
{
    /// <summary>Whether, once the policy allows it, the service outside is asked as well.</summary>
    public bool IsJudgedOutside { get; init; }

    /// <summary>Explains by a policy alone, without a silo: nothing is known of the request's node but its overlay.</summary>
    public static AccessExplanation Of(
        AccessPolicy policy, Caller caller, AccessRequest request, (string Site, string Region) at, string? overlay, DateTimeOffset now)
    {
        var facts = new AccessFacts(at.Site, overlay is null ? null : new NodeFacts(overlay, Said: null), now) { Region = at.Region };
        return Of(policy, caller, request, facts);
    }

    internal static AccessExplanation Of(AccessPolicy policy, Caller caller, AccessRequest request, AccessFacts facts) => new(
        AccessJudge.Judge(policy, caller, request, facts),
        [.. policy.RolesOf(caller).Order(StringComparer.Ordinal)],
        AccessJudge.Consider(policy, caller, request, facts))
    {
        IsJudgedOutside = policy.IsJudgedOutside(request.Permission),
    };
}
