using System.Collections.Frozen;
using System.Diagnostics;
using ControlPlane.Access;
using ControlPlane.Access.Policies;
using ControlPlane.Filters;

namespace ControlPlane.Benchmarks.Access;

/// <summary>Decisions by a policy of 1,000 rules, through its index, beside reading every rule.</summary>
/// <remarks>
/// 100 roles of ten rules each over all permissions, with overlays and node filters, and 50 denials; the caller has three roles.
/// <c>worst_us</c> is a policy whose 1,000 rules are all of the caller's role and of the permission that is asked for, and none fits.
/// </remarks>
public sealed class AccessDecideBenchmark : IBenchmark
{
    private const int Roles = 100;
    private const int RulesPerRole = 10;
    private const int Decisions = 20_000;

    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private static readonly AccessFacts Facts = new(
        "eu-1",
        new NodeFacts("eu-1", new FilteredNode(
            new Dictionary<string, FactValue> { ["env"] = new(FactKind.Text, "test", 0), ["tier"] = new(FactKind.Text, "lead", 0) },
            [],
            [])),
        Now);

    private static readonly Caller Operator = new() { Principal = "olga", Method = CallerMethod.Oidc, Groups = ["g7", "g42", "g99"] };

    private readonly AccessPolicyContent content = Many();
    private readonly AccessPolicy policy = new(Many());
    private readonly AccessPolicy worst = new(AllOfOne());
    private readonly AccessRequest[] requests =
        [.. Permissions.All.Select(permission => new AccessRequest(permission) { Node = "web1.example.net", Overlay = "eu-1" })];

    private readonly Dictionary<string, double> details = [];

    public string Name => "access-decide";

    public string Unit => "decisions/s";

    public IReadOnlyDictionary<string, double> Details => details;

    public Task PrepareAsync(CancellationToken cancellationToken)
    {
        // The same decisions, or the two measure different things.
        foreach (var request in requests)
        {
            if (AccessJudge.Judge(policy, Operator, request, Facts).IsAllowed != ReadEveryRule(request))
            {
                throw new InvalidOperationException($"the index decides {request.Permission} in another way than reading every rule");
            }
        }

        Measure(Decisions, request => AccessJudge.Judge(policy, Operator, request, Facts).IsAllowed);
        Measure(1_000, ReadEveryRule);
        return Task.CompletedTask;
    }

    public Task<double> RunOursAsync(CancellationToken cancellationToken)
    {
        var elapsed = Measure(Decisions, request => AccessJudge.Judge(policy, Operator, request, Facts).IsAllowed);
        details["us_per_decision"] = elapsed.TotalMicroseconds / Decisions;
        var asked = new AccessRequest(Permissions.NodesReprovision) { Node = "web1.example.net" };
        var slowest = Measure(Decisions, _ => AccessJudge.Judge(worst, Operator, asked, Facts).IsAllowed);
        details["worst_us"] = slowest.TotalMicroseconds / Decisions;
        return Task.FromResult(Decisions / elapsed.TotalSeconds);
    }

    public Task<double> RunReferenceAsync(CancellationToken cancellationToken)
    {
        var elapsed = Measure(Decisions, ReadEveryRule);
        details["us_reading_every_rule"] = elapsed.TotalMicroseconds / Decisions;
        return Task.FromResult(Decisions / elapsed.TotalSeconds);
    }

    private TimeSpan Measure(int times, Func<AccessRequest, bool> decide)
    {
        var allowed = 0;
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < times; i++)
        {
            allowed += decide(requests[i % requests.Length]) ? 1 : 0;
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        return allowed <= times ? elapsed : throw new UnreachableException();
    }

    private bool ReadEveryRule(AccessRequest request)
    {
        bool IsNamed(Subjects who) => who.Principals.Contains(Operator.Principal) || who.Groups.Any(Operator.Groups.Contains);
        return request.Permission == Permissions.AccessSelf
            || (!content.Denials.Any(denial => denial.Permissions.Contains(request.Permission) && IsNamed(denial.Who)
                    && denial.Scope.ObstacleOf(request, Facts, isUnknownWithin: true) == Obstacle.None)
                && content.Rules.Any(rule => rule.Permissions.Contains(request.Permission)
                    && content.Grants.Any(grant => grant.Role == rule.Role && IsNamed(grant.Who))
                    && rule.ObstacleOf(Operator, request, Facts) == Obstacle.None));
    }

    private static AccessPolicyContent Many() => new()
    {
        Version = "benchmark",
        Rules =
        [
            .. from role in Enumerable.Range(0, Roles)
               from rule in Enumerable.Range(0, RulesPerRole)
               select new AccessRule($"r{role}", $"role r{role}, rule {rule}", Some(role + rule)) { Scope = ScopeOf(role + rule) },
        ],
        Grants = [.. Enumerable.Range(0, Roles).Select(role => new RoleGrant($"r{role}", new Subjects { Groups = [$"g{role}"] }))],
        Denials =
        [
            .. Enumerable.Range(0, 50).Select(denial => new Denial(
                $"d{denial}", new Subjects { Groups = [$"g{denial}"] }, Some(denial), ScopeOf(denial) with { Overlays = Set("eu-9") })),
        ],
    };

    private static AccessPolicyContent AllOfOne() => new()
    {
        Version = "benchmark",
        Rules =
        [
            .. Enumerable.Range(0, Roles * RulesPerRole).Select(rule => new AccessRule(
                "r7", $"rule {rule}", Set(Permissions.NodesReprovision))
            {
                Scope = new AccessScope { Overlays = Set("eu-1"), Nodes = FilterReader.Read($"env=e{rule}") },
            }),
        ],
        Grants = [new RoleGrant("r7", new Subjects { Groups = ["g7"] })],
    };

    private static AccessScope ScopeOf(int number) => new()
    {
        Overlays = number % 3 == 0 ? null : Set($"eu-{number % 4}", $"us-{number % 4}"),
        Nodes = number % 2 == 0 ? null : FilterReader.Read(number % 5 == 0 ? "env=test and not tier=gold" : "env=prod or tier=gold"),
    };

    private static FrozenSet<string> Some(int number) => Set(
        Permissions.All[number % Permissions.All.Count], Permissions.All[(number * 7 + 3) % Permissions.All.Count]);

    private static FrozenSet<string> Set(params string[] names) => names.ToFrozenSet(StringComparer.Ordinal);
}
