using System.Net;
using System.Net.Http.Headers;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Jobs;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>That a policy is asked with what the job is to do, before it is submitted.</summary>
public sealed class JobAccessTests : IAsyncDisposable
{
    private const string Token = "puppeteer-0123456789abcdefg";

    private const string Policy = """
        apiVersion: access.controlplane/v1
        kind: AccessPolicy
        roles:
          puppeteer:
            - { permissions: [jobs.run], agents: [puppet], actions: [runonce, status], limits: { targets: 2 }, conditions: { reason: true } }
          local: [{ permissions: [jobs.run], agents: [rpcutil], overlays: [eu-1] }]
          tester: [{ permissions: [jobs.run], agents: [shell], nodes: env=test }]
          approver: [{ permissions: [jobs.approve], conditions: { fourEyes: true } }]
        grants:
          - { role: puppeteer, principals: ["*"] }
          - { role: local, principals: ["*"] }
          - { role: tester, principals: ["*"] }
          - { role: approver, principals: ["*"] }
        denials: [{ name: gold, principals: ["*"], permissions: [jobs.run], nodes: tier=gold }]
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-jobs-").FullName;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Approve_IsDenied_ToWhoSubmittedTheJob_AndTheRecordSaysWhoDid()
    {
        await using var api = await StartAsync();
        foreach (var (id, submitter) in new[] { ("own", "puppeteer"), ("other", "ann") })
        {
            var status = id == "own" ? HttpStatusCode.Forbidden : HttpStatusCode.OK;
            var job = api.Grains.Jobs.Add(id);
            job.Become(job.Snapshot with { State = JobState.AwaitingApproval, Submitter = submitter });

            Assert.Equal(status, (await api.PostAsync($"/v1/jobs/{id}:approve", """{"reason":"CHG-1"}""")).StatusCode);
        }

        IReadOnlyList<AuditRecord> records = [];
        await Readiness.UntilAsync(
            async _ => (records = await api.Audit.RecordsAsync(TestContext.Current.CancellationToken)).Count == 3,
            "both calls and an outcome are recorded",
            TestContext.Current.CancellationToken);
        Assert.Equal(
            [("own", "puppeteer", AuditKind.Denied), ("other", "ann", AuditKind.Call)],
            records.Where(record => record.Kind != AuditKind.Outcome).Select(record => (record.On?.Job, record.Submitter, record.Kind)));
    }

    [Fact]
    public async Task Submit_IsJudged_ByAgentActionTargetsOverlayAndReason()
    {
        await using var api = await StartAsync();

        await AssertAsync(HttpStatusCode.Accepted, "puppet", "runonce", """{ "identities": ["web1", "web2"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Accepted, "puppet", "status", """{ "all": true, "max": 2 }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "disable", """{ "identities": ["web1"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "service", "status", """{ "identities": ["web1"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "identities": ["web1", "web2", "web3"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "all": true }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "identities": ["web1"] }""", " ");
        await AssertAsync(HttpStatusCode.Accepted, "rpcutil", "ping", """{ "overlays": ["eu-1"] }""", "");
        await AssertAsync(HttpStatusCode.Accepted, "shell", "run", """{ "all": true }""", "");
        await AssertAsync(HttpStatusCode.Forbidden, "rpcutil", "ping", """{ "overlays": ["eu-1", "eu-2"] }""", "");

        async Task AssertAsync(HttpStatusCode status, string agent, string action, string targets, string reason)
        {
            var body = $$"""{ "agent": "{{agent}}", "action": "{{action}}", "targets": {{targets}}, "reason": "{{reason}}" }""";
            Assert.Equal(status, (await api.PostAsync("/v1/jobs", body)).StatusCode);
        }
    }

    private async Task<ApiHost> StartAsync()
    {
        var (tokens, policy) = (Path.Combine(folder, "tokens"), Path.Combine(folder, "access.yaml"));
        await File.WriteAllTextAsync(tokens, $"puppeteer {Token}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(policy, Policy, TestContext.Current.CancellationToken);
        var api = await ApiHost.StartAsync(("Access:Tokens:Files:0", tokens), ("Access:Policy:File", policy));
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return api;
    }
}
