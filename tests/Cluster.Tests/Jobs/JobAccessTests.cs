using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Jobs;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>That a policy is asked with what the job is to do, before it is submitted.</summary>
public sealed partial class JobAccessTests : IAsyncDisposable
{
    private const string Token = "puppeteer-0123456789abcdefg";

    private const string Policy = """
        apiVersion: access.controlplane/v1
        kind: AccessPolicy
        roles:
          puppeteer:
            - { permissions: [jobs.run], agents: [puppet], actions: [runonce, status], limits: { targets: 2 }, conditions: { reason: true } }
          local: [{ permissions: [jobs.run], agents: [rpcutil], overlays: [eu-1] }]
          tester: [{ permissions: [jobs.run], agents: [facts], nodes: env=test }]
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
        await using var api = await StartAsync(Policy);
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

    [Theory]
    [InlineData("jobs.read", "")]
    [InlineData("jobs.read, jobs.control", "pause resume advance retry abort")]
    [InlineData("jobs.read, jobs.approve", "approve")]
    public async Task AJobsPage_HasTheButtons_ThatThePolicyAllows(string permissions, string verbs)
    {
        await using var api = await StartAsync($$"""
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles: { viewer: [{ permissions: [{{permissions}}] }] }
            grants: [{ role: viewer, principals: ["*"] }]
            """);
        api.Grains.Jobs.Add("abc");

        var page = await api.GetTextAsync("/jobs/abc");

        Assert.Equal(verbs, string.Join(' ', Button().Matches(page).Select(button => button.Groups[1].Value)));
    }

    [GeneratedRegex("<button [^>]*data-verb=\"(\\w+)\"")]
    private static partial Regex Button();

    private async Task<ApiHost> StartAsync(string text)
    {
        var (tokens, policy) = (Path.Combine(folder, "tokens"), Path.Combine(folder, "access.yaml"));
        await File.WriteAllTextAsync(tokens, $"puppeteer {Token}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(policy, text, TestContext.Current.CancellationToken);
        var api = await ApiHost.StartAsync(("Access:Tokens:Files:0", tokens), ("Access:Policy:File", policy));
        api.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return api;
    }

    [Fact]
    public async Task Submit_IsJudged_ByAgentActionTargetsOverlayAndReason()
    {
        await using var api = await StartAsync(Policy);

        await AssertAsync(HttpStatusCode.Accepted, "puppet", "runonce", """{ "identities": ["web1", "web2"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Accepted, "puppet", "status", """{ "all": true, "max": 2 }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "disable", """{ "identities": ["web1"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "service", "status", """{ "identities": ["web1"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "identities": ["web1", "web2", "web3"] }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "all": true }""", "CHG-1");
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "identities": ["web1"] }""", " ");
        await AssertAsync(HttpStatusCode.Accepted, "rpcutil", "ping", """{ "overlays": ["eu-1"] }""", "");
        await AssertAsync(HttpStatusCode.Accepted, "facts", "show", """{ "all": true }""", "");
        await AssertAsync(HttpStatusCode.Forbidden, "rpcutil", "ping", """{ "overlays": ["eu-1", "eu-2"] }""", "");

        // What nodes are asked besides is sent to them as well.
        const string ofShell = """, "status": { "agent": "shell", "action": "run" }""";
        const string ofPuppet = """, "status": { "agent": "puppet", "action": "status" }""";
        await AssertAsync(HttpStatusCode.Accepted, "puppet", "runonce", """{ "identities": ["web1"] }""", "CHG-1", ofPuppet);
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "identities": ["web1"] }""", "CHG-1", ofShell);
        const string ofExecutor = """, "executorId": "id" """;
        await AssertAsync(HttpStatusCode.Forbidden, "puppet", "runonce", """{ "identities": ["web1"] }""", "CHG-1", ofExecutor);

        async Task AssertAsync(
            HttpStatusCode status, string agent, string action, string targets, string reason, string besides = "")
        {
            var body = $$"""
                { "agent": "{{agent}}", "action": "{{action}}", "targets": {{targets}}, "reason": "{{reason}}"{{besides}} }
                """;
            Assert.Equal(status, (await api.PostAsync("/v1/jobs", body)).StatusCode);
        }
    }
}
