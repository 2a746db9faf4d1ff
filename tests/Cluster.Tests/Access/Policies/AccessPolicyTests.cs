using System.Net;
using System.Net.Http.Headers;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Health;
using ControlPlane.Hosting;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace ControlPlane.Cluster.Tests.Access.Policies;

/// <summary>A policy file, and what callers with tokens may do by it.</summary>
public sealed class AccessPolicyTests : IDisposable
{
    private const string ViewerToken = "viewer-0123456789abcdefghij";
    private const string OperatorToken = "operator-0123456789abcdefg";
    private const string Reprovision = ":reprovision";
    private const string Body = """{"reason": "x"}""";

    private const string Policy = """
        apiVersion: access.controlplane/v1
        kind: AccessPolicy
        roles:
          viewer: [{ permissions: [nodes.read] }]
          operator: [{ permissions: [nodes.reprovision], overlays: [eu-1], nodes: env=test }]
          reader: [{ permissions: [access.read] }]
        grants:
          - { role: viewer, principals: ["*"] }
          - { role: operator, principals: [operator] }
          - { role: reader, principals: [viewer] }
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-access-").FullName;
    private readonly FakeTimeProvider time = new(TimeProvider.System.GetUtcNow());

    public AccessPolicyTests()
    {
        File.WriteAllText(TokenPath, $"viewer {ViewerToken}\noperator {OperatorToken}\n");
        File.WriteAllText(PolicyPath, Policy);
    }

    private string TokenPath => Path.Combine(folder, "tokens");

    private string PolicyPath => Path.Combine(folder, "access.yaml");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task ACaller_MayDo_WhatThePolicySays_OfTheNodeAsTheIndexKnowsIt()
    {
        await using var api = await StartAsync();
        api.Grains.Say("web1.example.net", """{"env":"test"}""");
        api.Grains.Say("db1.example.net", """{"env":"prod"}""");

        As(api, OperatorToken);
        Assert.Equal(HttpStatusCode.Accepted, (await api.PostAsync($"/v1/nodes/web1.example.net{Reprovision}", Body)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.PostAsync($"/v1/nodes/db1.example.net{Reprovision}", Body)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.PostAsync($"/v1/nodes/new.example.net{Reprovision}", Body)).StatusCode);

        As(api, ViewerToken);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/nodes")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.PostAsync($"/v1/nodes/web1.example.net{Reprovision}", Body)).StatusCode);
    }

    [Fact]
    public async Task APolicyOnTrial_DeniesNothing_AndTells()
    {
        await File.WriteAllTextAsync(PolicyPath, "mode: dry-run\n" + Policy, TestContext.Current.CancellationToken);
        await using var api = await StartAsync();

        As(api, ViewerToken);
        Assert.Equal(HttpStatusCode.Accepted, (await api.PostAsync($"/v1/nodes/web1.example.net{Reprovision}", Body)).StatusCode);

        Assert.Contains(api.Logs.All, line => line.StartsWith("viewer may nodes.reprovision only because", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ThePolicy_IsReadAgain_AndTheLastGoodOneStaysInForce()
    {
        await using var api = await StartAsync();
        As(api, ViewerToken);
        var before = await (await api.GetAsync("/v1/access/policy")).JsonAsync();
        Assert.Equal((Policy, 0), (before.GetProperty("text").GetString(), before.GetProperty("faults").GetArrayLength()));

        await ChangeAsync(Policy.Replace("nodes.read]", "nodes.reed]", StringComparison.Ordinal));
        var faulty = await (await api.GetAsync("/v1/access/policy")).JsonAsync();
        Assert.Equal(before.GetProperty("version").GetString(), faulty.GetProperty("version").GetString());
        Assert.Contains("access.yaml:4:28: there is no permission 'nodes.reed'", faulty.GetProperty("faults")[0].GetString());
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/nodes")).StatusCode);

        await ChangeAsync(Policy.Replace("viewer, principals: [\"*\"]", "viewer, principals: [nobody]", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, (await api.GetAsync("/v1/nodes")).StatusCode);
        Assert.NotEqual(
            before.GetProperty("version").GetString(),
            (await (await api.GetAsync("/v1/access/policy")).JsonAsync()).GetProperty("version").GetString());
    }

    [Fact]
    public async Task Health_IsDegraded_WhileTheFileIsNotWhatIsInForce()
    {
        var file = new AccessPolicyFile(
            Options.Create(new AccessPolicyOptions { File = PolicyPath }), new Locality("eu", "eu-1"), time,
            NullLogger<AccessPolicyFile>.Instance);
        var check = new AccessPolicyCheck(file);
        var before = await check.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);
        Assert.Equal((HealthStatus.Healthy, $"the access policy {file.Current!.Version} is in force"), (before.Status, before.Description));

        await ChangeAsync("kind: AccessPolicy");
        var faulty = await check.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);
        Assert.Equal(HealthStatus.Degraded, faulty.Status);
        Assert.Contains("'apiVersion' is missing", faulty.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_SaysWhy_AndIsForThoseWhoMayReadThePolicy()
    {
        await using var api = await StartAsync();
        api.Grains.Say("db1.example.net", """{"env":"prod"}""");
        const string Question = """{"as": "operator", "may": "nodes.reprovision", "node": "db1.example.net", "method": "accessToken"}""";

        As(api, ViewerToken);
        var why = await (await api.PostAsync("/v1/access:explain", Question)).JsonAsync();
        Assert.False(why.GetProperty("isAllowed").GetBoolean());
        Assert.Contains("role 'operator', rule 1 holds for nodes that are known to fulfil its filter", why.GetProperty("rule").GetString());
        await (await api.PostAsync("/v1/access:explain", """{"as": "x", "may": "nodes.reed"}"""))
            .AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

        As(api, OperatorToken);
        Assert.Equal(HttpStatusCode.Forbidden, (await api.PostAsync("/v1/access:explain", Question)).StatusCode);
    }

    [Fact]
    public async Task APlan_IsAskedOfItsRegion_WhoMadeIt()
    {
        var grains = Stand.InForGrains((_, region) => Stand.In<IPlacementPlanGrain>(new()
        {
            [nameof(IPlacementPlanGrain.ShowPlan)] = arguments => Task.FromResult("eu".Equals(region) && "p1".Equals(arguments[0])
                ? new PlacementPlan("p1", PlanKind.Rebalance, "", 1, 1, DateTimeOffset.UnixEpoch, "olga", [], 0, 0, [], 0, TimeSpan.Zero)
                : null),
        }));
        var plans = new PlanSubmissions(grains, Options.Create(new OverlaysOptions { Region = "eu" }));

        Assert.Equal("olga", await plans.FindSubmitterAsync(Of("p1"), TestContext.Current.CancellationToken));
        Assert.Null(await plans.FindSubmitterAsync(Of("p2"), TestContext.Current.CancellationToken));
        Assert.Null(await plans.FindSubmitterAsync(new(Permissions.JobsApprove) { Job = "p1" }, TestContext.Current.CancellationToken));

        static AccessRequest Of(string plan) => new(Permissions.PlacementPlansApprove) { Plan = plan };
    }

    private static void As(ApiHost api, string token) =>
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);

    private Task<ApiHost> StartAsync() => ApiHost.StartAsync(
        services => services.AddSingleton<TimeProvider>(time), ("Access:Tokens:Files:0", TokenPath), ("Access:Policy:File", PolicyPath));

    private async Task ChangeAsync(string text)
    {
        // Another length or another instant: one of them is always another.
        await File.WriteAllTextAsync(PolicyPath, text, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromSeconds(2));
    }
}
