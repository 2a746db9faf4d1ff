using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Certificates;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Enrolment;
using ControlPlane.Jobs;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace ControlPlane.Cluster.Tests.Access.Policies;

/// <summary>That the policy is asked the same of a route as of the grain method behind it.</summary>
public sealed class SameQuestionTests : IAsyncLifetime
{
    private const string Token = "nobody-0123456789abcdefghi";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-same-").FullName;
    private ApiHost api = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var (tokens, policy) = (Path.Combine(folder, "tokens"), Path.Combine(folder, "access.yaml"));
        await File.WriteAllTextAsync(tokens, $"nobody {Token}\n", Cancel);
        await File.WriteAllTextAsync(policy, "apiVersion: access.controlplane/v1\nkind: AccessPolicy\n", Cancel);
        api = await ApiHost.StartAsync(("Access:Tokens:Files:0", tokens), ("Access:Policy:File", policy));
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    public static TheoryData<string, string, Type, string> Calls => new()
    {
        { "POST /v1/nodes/web1:reprovision", """{"reason":"why"}""", typeof(INodeGrain), nameof(INodeGrain.Reprovision) },
        { "POST /v1/nodes/web1:decommission", """{"reason":"why"}""", typeof(INodeGrain), nameof(INodeGrain.Decommission) },
        {
            "POST /v1/overlays/eu-1:pause-enrolment", """{"reason":"why"}""",
            typeof(IEnrolmentControlGrain), nameof(IEnrolmentControlGrain.Pause)
        },
        {
            "PUT /v1/overlays/eu-1/enrolment-limit", """{"perMinute":3,"reason":"why"}""",
            typeof(IEnrolmentControlGrain), nameof(IEnrolmentControlGrain.Limit)
        },
        {
            "POST /v1/overlays/eu-1:set-state", """{"state":"draining","reason":"why"}""",
            typeof(IRegionPlacementGrain), nameof(IRegionPlacementGrain.SetState)
        },
        { "POST /v1/placement/leader:promote", """{"reason":"why"}""", typeof(IRegionLeaderGrain), nameof(IRegionLeaderGrain.Promote) },
        {
            "POST /v1/placement/policy:apply", """{"text":"x","reason":"why"}""",
            typeof(IPlacementPolicyGrain), nameof(IPlacementPolicyGrain.ApplyPolicy)
        },
        {
            "POST /v1/placement/plans", """{"kind":"drain","overlay":"eu-1","reason":"why"}""",
            typeof(IPlacementPlanGrain), nameof(IPlacementPlanGrain.CreatePlan)
        },
        {
            "POST /v1/placement/plans/p1:approve", """{"reason":"why"}""",
            typeof(IPlacementPlanGrain), nameof(IPlacementPlanGrain.ApprovePlan)
        },
        {
            "POST /v1/placement/plans/p1:resume", """{"reason":"why"}""",
            typeof(IPlacementPlanGrain), nameof(IPlacementPlanGrain.ResumePlan)
        },
        {
            "POST /v1/placement/plans/p1:pause", """{"reason":"why"}""",
            typeof(IPlacementPlanGrain), nameof(IPlacementPlanGrain.PausePlan)
        },
        {
            "POST /v1/placement/plans/p1:abort", """{"reason":"why"}""",
            typeof(IPlacementPlanGrain), nameof(IPlacementPlanGrain.AbortPlan)
        },
        {
            "POST /v1/certificates/local/0A:revoke", """{"reason":"keyCompromise","explanation":"why"}""",
            typeof(ICertificateInventoryGrain), nameof(ICertificateInventoryGrain.Revoke)
        },
        { "POST /v1/access/tokens/t1:revoke", """{"reason":"why"}""", typeof(IChoriaTokensGrain), nameof(IChoriaTokensGrain.Revoke) },
        { "POST /v1/jobs/j1:approve", """{"reason":"why"}""", typeof(IJobGrain), nameof(IJobGrain.Approve) },
        { "POST /v1/jobs/j1:advance", """{"stage":1,"reason":"why"}""", typeof(IJobGrain), nameof(IJobGrain.Advance) },
        { "POST /v1/jobs/j1:abort", """{"reason":"why"}""", typeof(IJobGrain), nameof(IJobGrain.Abort) },
        {
            "POST /v1/jobs", """{"agent":"puppet","action":"runonce","targets":{"identities":["a","b"]},"reason":"why"}""",
            typeof(IJobGrain), nameof(IJobGrain.Submit)
        },
        {
            "POST /v1/jobs", """{"agent":"puppet","action":"runonce","targets":{"overlays":["eu-1"]},"reason":"why"}""",
            typeof(IJobListGrain), nameof(IJobListGrain.DryRun)
        },
        {
            "PUT /v1/job-schedules/nightly",
            """{"cron":"0 2 * * *","job":{"agent":"puppet","action":"runonce","targets":{"overlays":["eu-1"]},"reason":"why"} }""",
            typeof(IJobScheduleGrain), nameof(IJobScheduleGrain.Apply)
        },
        {
            "POST /v1/job-schedules/nightly:pause", """{"reason":"why"}""",
            typeof(IJobScheduleGrain), nameof(IJobScheduleGrain.Pause)
        },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task ARoute_AndTheGrainBehindIt_AskTheSame(string route, string body, Type contract, string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(route.Split(' ')[0]), route.Split(' ')[1])
        {
            Content = body.Length == 0 ? null : new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var answer = await api.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        IReadOnlyList<AuditRecord> records = [];
        await Readiness.UntilAsync(
            async _ => (records = await api.Audit.RecordsAsync(Cancel)).Count > 0, "the denial is recorded", Cancel);
        var recorded = Assert.Single(records);

        var called = contract.GetMethod(method)!;
        var asked = AccessRequests.OfGrain(
            called, called.GetCustomAttribute<RequiresAttribute>()!, method, KeyOf(contract), [.. ArgumentsOf(called, body)]);

        var on = new AuditTarget(
            asked.Overlay, asked.Node, asked.Collective, asked.Agent, asked.Action, asked.Targets, asked.Plan, asked.Job);
        Assert.Equal(
            (asked.Permission, asked.Reason, on), (recorded.Permission, recorded.Reason, recorded.On ?? new AuditTarget()));
    }

    [Fact]
    public void EveryRouteAndMethod_TakesAReason_WhereItsPermissionDoes()
    {
        var routes = api.Endpoints.OfType<RouteEndpoint>().Select(route => (
            Name: route.RoutePattern.RawText!,
            Required: route.Metadata.GetMetadata<RequiresAttribute>(),
            Takes: route.Metadata.GetMetadata<IAcceptsMetadata>()?.RequestType?.IsAssignableTo(typeof(IGivesReason)) == true));
        var methods = typeof(INodeGrain).Assembly.GetTypes().Where(type => type.IsInterface).SelectMany(type => type.GetMethods())
            .Select(method => (
                Name: $"{method.DeclaringType!.Name}.{method.Name}",
                Required: method.GetCustomAttribute<RequiresAttribute>(),
                Takes: method.GetParameters().Any(one => one.Name == "reason" || one.ParameterType.IsAssignableTo(typeof(IGivesReason)))));
        var all = routes.Concat(methods).Where(one => one.Required is not null).ToList();

        Assert.Contains(all, one => one is { Name: "/v1/nodes/{identity}:reprovision", Takes: true });
        Assert.Contains(all, one => one is { Name: "IJobGrain.Abort", Takes: true });
        Assert.Empty(all.Where(one => one.Takes != Permissions.TakesReason(one.Required!.Permission)).Select(one => one.Name));
    }

    private static string KeyOf(Type contract) => contract switch
    {
        _ when contract == typeof(INodeGrain) => "web1",
        _ when contract == typeof(IEnrolmentControlGrain) => "eu-1",
        _ when contract == typeof(IJobGrain) => "j1",
        _ => "any",
    };

    private static IEnumerable<object?> ArgumentsOf(MethodInfo method, string body) =>
        method.GetParameters().Select(parameter => ArgumentOf(parameter, body));

    private static object? ArgumentOf(ParameterInfo parameter, string body) => parameter switch
    {
        { Name: "reason" } => "why",
        { Name: "overlay" } => "eu-1",
        { Name: "id" } => "p1",
        { Name: "text" } => "x",
        { Name: "perMinute" } => 3,
        { Name: "stage" } => 1,
        { Name: "state" } => OverlayState.Draining,
        { ParameterType: var type } when type == typeof(ReprovisionRequest) => new ReprovisionRequest("why"),
        { ParameterType: var type } when type == typeof(DecommissionRequest) => new DecommissionRequest("why"),
        { ParameterType: var type } when type == typeof(PlanRequest) => new PlanRequest(PlanKind.Drain, "eu-1", "why"),
        { ParameterType: var type } when type == typeof(ControlChange) => new ControlChange("why"),
        { ParameterType: var type } when type == typeof(CertificateRevocationRequest) =>
            new CertificateRevocationRequest("local", "0A", RevocationReason.KeyCompromise, "why"),
        { ParameterType: var type } when type == typeof(JobSpec) => SpecOf(body),
        { ParameterType: var type } when type == typeof(JobSchedule) => new JobSchedule(SpecOf(body), "0 2 * * *"),
        { ParameterType: var type } when type == typeof(CancellationToken) => CancellationToken.None,
        _ => throw new InvalidOperationException($"a value for {parameter} is missing"),
    };

    private static JobSpec SpecOf(string body) => new(
        new JobAction("puppet", "runonce"),
        body.Contains("identities", StringComparison.Ordinal)
            ? new JobTargets { Identities = ["a", "b"] }
            : new JobTargets { Overlays = ["eu-1"] }) { Reason = "why" };
}
