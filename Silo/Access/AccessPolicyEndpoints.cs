using ControlPlane.Access.Policies;
using ControlPlane.Api;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ControlPlane.Access;

/// <summary>The access policy of the site: reading it, and asking why it decides as it does.</summary>
internal static class AccessPolicyEndpoints
{
    public static void MapAccessPolicy(this IEndpointRouteBuilder v1)
    {
        v1.MapGet("/access/policy", Show).WithName("GetAccessPolicy").WithTags("access").Requires(Permissions.AccessRead)
            .WithSummary("The access policy in force at this silo, and what is wrong with its file as it is now.");
        v1.MapPost("/access:explain", Explain).WithName("ExplainAccess").WithTags("access").Requires(Permissions.AccessRead)
            .WithSummary("What a caller may do, and by which rule. Changes nothing and asks nobody outside.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static Ok<AccessPolicyView> Show(AccessPolicyFile file) => TypedResults.Ok(new AccessPolicyView(
        file.IsConfigured,
        file.Current?.Version,
        file.Current?.IsDryRun ?? false,
        file.Faults,
        file.Text));

    private static async Task<Results<Ok<AccessExplanationView>, ProblemHttpResult>> Explain(
        PolicyAccess access, TimeProvider time, [FromBody] ExplainBody body, CancellationToken cancellationToken) =>
        PermissionPattern.FaultOf(body.May) is { } fault
            ? Problems.Malformed(fault)
            : TypedResults.Ok(AccessExplanationView.Of(await access.ExplainAsync(
                body.ToCaller(time.GetUtcNow()), body.ToRequest(), cancellationToken)));
}

/// <param name="IsConfigured">Whether the site has a policy file.</param>
/// <param name="Version">Of the policy in force; null when there is none.</param>
/// <param name="IsDryRun">Whether it is tried out, and denies nothing.</param>
/// <param name="Faults">What is wrong with the file as it is now; while anything is, the one before is in force.</param>
/// <param name="Text">The policy in force.</param>
internal sealed record AccessPolicyView(bool IsConfigured, string? Version, bool IsDryRun, IReadOnlyList<string> Faults, string? Text);

/// <param name="As">The caller's name.</param>
/// <param name="May">The permission.</param>
/// <param name="Groups">The caller's groups.</param>
/// <param name="Roles">Roles that the caller's credential gives.</param>
/// <param name="Claims">The caller's other claims.</param>
/// <param name="Method">How the caller was authenticated; by OIDC without, and <c>local</c> is local.</param>
/// <param name="SecondFactorSecondsAgo">How long ago a second factor was shown; none was without.</param>
/// <param name="Overlay">The overlay that it is about. Of a node, what the index knows is asked instead.</param>
/// <param name="Node">The node that it is about.</param>
/// <param name="Collective">The collective of a Choria request.</param>
/// <param name="Agent">The agent of a Choria request.</param>
/// <param name="Action">The action of a Choria request.</param>
/// <param name="Targets">How many nodes it is about.</param>
/// <param name="Reason">Why.</param>
/// <param name="Submitter">Who made what is to be approved.</param>
internal sealed record ExplainBody(
    string As,
    string May,
    IReadOnlyList<string>? Groups = null,
    IReadOnlyList<string>? Roles = null,
    IReadOnlyDictionary<string, IReadOnlyList<string>>? Claims = null,
    CallerMethod? Method = null,
    int? SecondFactorSecondsAgo = null,
    string? Overlay = null,
    string? Node = null,
    string? Collective = null,
    string? Agent = null,
    string? Action = null,
    int? Targets = null,
    string? Reason = null,
    string? Submitter = null)
{
    public Caller ToCaller(DateTimeOffset now)
    {
        var caller = new Caller
        {
            Principal = As,
            Method = Method ?? (As == Caller.Local.Principal ? CallerMethod.Local : CallerMethod.Oidc),
            Groups = Groups ?? [],
            Roles = Roles ?? [],
            SecondFactorAt = SecondFactorSecondsAgo is { } ago ? now - TimeSpan.FromSeconds(ago) : null,
        };
        return Claims is null ? caller : caller with { Claims = Claims };
    }

    public AccessRequest ToRequest() => new(May)
    {
        Overlay = Overlay,
        Node = Node,
        Collective = Collective,
        Agent = Agent,
        Action = Action,
        Targets = Targets,
        Reason = Reason,
        Submitter = Submitter,
    };
}

/// <param name="IsAllowed">Whether it may be done.</param>
/// <param name="WouldBeDenied">Whether it may be done only because the policy is tried out.</param>
/// <param name="Rule">What decided.</param>
/// <param name="Policy">The policy's version.</param>
/// <param name="Roles">The caller's roles.</param>
/// <param name="Considered">Every rule and denial that concerns caller and permission, and what each says.</param>
/// <param name="IsJudgedOutside">Whether, once the policy allows it, the authority outside is asked as well.</param>
internal sealed record AccessExplanationView(
    bool IsAllowed,
    bool WouldBeDenied,
    string Rule,
    string Policy,
    IReadOnlyList<string> Roles,
    IReadOnlyList<ConsideredRule> Considered,
    bool IsJudgedOutside)
{
    public static AccessExplanationView Of(AccessExplanation why) => new(
        why.Decision.IsAllowed,
        why.Decision.WouldBeDenied,
        why.Decision.Rule,
        why.Decision.Policy,
        why.Roles,
        why.Considered,
        why.IsJudgedOutside);
}
