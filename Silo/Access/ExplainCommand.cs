using System.CommandLine;
using ControlPlane.Access.Policies;
using ControlPlane.Commands;

namespace ControlPlane.Access;

/// <summary><c>controlplane access explain</c>: what a caller may do and by which rule, asked of a silo or of a file.</summary>
internal static class ExplainCommand
{
    private static readonly Option<string> As = new("--as") { Description = "The caller's name.", Required = true };
    private static readonly Option<string> May = new("--may") { Description = "The permission, e.g. nodes.reprovision.", Required = true };
    private static readonly Option<string[]> Groups = Several("--group", "A group of the caller; several are given one by one.");
    private static readonly Option<string[]> Roles = Several("--role", "A role that the caller's credential gives.");
    private static readonly Option<string[]> Claims = Several("--claim", "A claim of the caller, as name=value.");
    private static readonly Option<CallerMethod?> Method =
        new("--method") { Description = "How the caller was authenticated; oidc without." };
    private static readonly Option<int?> SecondFactor =
        new("--second-factor") { Description = "How many seconds ago the caller showed a second factor; none was shown without." };

    private static readonly Option<string?> Overlay = new("--overlay") { Description = "The overlay that it is about." };
    private static readonly Option<string?> Node = new("--node") { Description = "The node that it is about." };
    private static readonly Option<string?> Collective = new("--collective") { Description = "The collective of a Choria request." };
    private static readonly Option<string?> Agent = new("--agent") { Description = "The agent of a Choria request." };
    private static readonly Option<string?> Action = new("--action") { Description = "The action of a Choria request." };
    private static readonly Option<int?> Targets = new("--targets") { Description = "How many nodes it is about." };
    private static readonly Option<string?> Reason = new("--reason") { Description = "Why." };
    private static readonly Option<string?> Submitter = new("--submitter") { Description = "Who made what is to be approved." };
    private static readonly Option<string?> File = new("--file")
    {
        Description = "A policy file to ask instead of a silo. Of a node it knows no more than --overlay.",
        HelpName = "FILE",
    };

    private static readonly Option<string> Site =
        new("--site") { Description = "With --file: at which site.", DefaultValueFactory = _ => "" };

    private static readonly Option<string> Region =
        new("--region") { Description = "With --file: in which region.", DefaultValueFactory = _ => "" };

    public static Command Create() => new ClientCommand("explain", "Says what a caller may do, and by which rule.", RunAsync)
    {
        As, May, Groups, Roles, Claims, Method, SecondFactor,
        Overlay, Node, Collective, Agent, Action, Targets, Reason, Submitter, File, Site, Region,
    };

    private static async Task RunAsync(ClientCall call, CancellationToken cancellationToken)
    {
        var body = BodyOf(call.Arguments);
        var why = call.Arguments.GetValue(File) is { } path
            ? Explain(path, body, (call.Arguments.GetRequiredValue(Site), call.Arguments.GetRequiredValue(Region)))
            : await call.Api.PostAsync<AccessExplanationView>("v1/access:explain", body, cancellationToken);
        var lines = new List<(string, object?)>
        {
            ("decision", why.WouldBeDenied ? "allowed, while the policy is tried out" : why.IsAllowed ? "allowed" : "denied"),
            ("rule", why.Rule),
            ("policy", why.Policy),
            ("roles", why.Roles.Count > 0 ? string.Join(", ", why.Roles) : "none"),
            ("besides", why.IsJudgedOutside ? "the authority outside must allow it too" : null),
        };
        lines.AddRange(why.Considered.Select(rule => ("considered", (object?)$"{rule.Rule} {rule.Verdict}")));
        call.Print.One(why, [.. lines]);
    }

    private static AccessExplanationView Explain(string path, ExplainBody body, (string Site, string Region) at)
    {
        var read = AccessPolicyFile.Read(path);
        var policy = read.Content?.Policy ?? throw new ApiRefusedException(string.Join("\n", read.Faults));
        if (PermissionPattern.FaultOf(body.May) is { } fault)
        {
            throw new ApiRefusedException(fault);
        }

        var now = TimeProvider.System.GetUtcNow();
        return AccessExplanationView.Of(AccessExplanation.Of(policy, body.ToCaller(now), body.ToRequest(), at, body.Overlay, now));
    }

    private static ExplainBody BodyOf(ParseResult given) => new(
        given.GetRequiredValue(As),
        given.GetRequiredValue(May),
        given.GetValue(Groups),
        given.GetValue(Roles),
        (given.GetValue(Claims) ?? []).Select(claim => claim.Split('=', 2))
            .GroupBy(claim => claim[0], claim => claim.Length > 1 ? claim[1] : "", StringComparer.Ordinal)
            .ToDictionary(claim => claim.Key, claim => (IReadOnlyList<string>)[.. claim], StringComparer.Ordinal),
        given.GetValue(Method),
        given.GetValue(SecondFactor),
        given.GetValue(Overlay),
        given.GetValue(Node),
        given.GetValue(Collective),
        given.GetValue(Agent),
        given.GetValue(Action),
        given.GetValue(Targets),
        given.GetValue(Reason),
        given.GetValue(Submitter));

    private static Option<string[]> Several(string name, string description) => new(name) { Description = description };
}
