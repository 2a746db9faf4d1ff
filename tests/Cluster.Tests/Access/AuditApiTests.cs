using System.Net;
using System.Text;
using ControlPlane.Access;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.Nodes;
using ControlPlane.Store;
using ControlPlane.TestKit.Access;

namespace ControlPlane.Cluster.Tests.Access;

/// <summary>The record over HTTP and from the command line.</summary>
public sealed class AuditApiTests : IAsyncLifetime
{
    private const string Reprovision = "/v1/nodes/web1.example.net:reprovision";
    private const string Body = """{"reason":"new disk"}""";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-audit-").FullName;
    private ApiHost api = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task ACall_IsRecordedBeforeItsEffect_WithWhatItWasAbout_AndItsOutcome()
    {
        var recordedBefore = 0;
        api.Grains.Reprovision = () =>
        {
            recordedBefore = api.Audit.Records.Count;
            return new ReprovisionOutcome.Accepted();
        };

        await api.PostAsync(Reprovision, Body);
        await UntilAsync(2);

        Assert.Equal(1, recordedBefore);
        var (call, outcome) = ((await RecordsAsync())[0], (await RecordsAsync())[1]);
        Assert.Equal(
            (AuditKind.Call, "local", CallerMethod.Local, "127.0.0.1"),
            (call.Kind, call.Who?.Principal, call.Who!.Method, call.Who.Address));
        Assert.Equal(
            (Permissions.NodesReprovision, "ReprovisionNode", "web1.example.net", "new disk"),
            (call.Permission, call.Operation, call.On?.Node, call.Reason));
        Assert.NotNull(call.Trace);
        Assert.Equal((AuditKind.Outcome, call.Id, "202"), (outcome.Kind, outcome.Id, outcome.Outcome));

        var listed = await (await api.GetAsync("/v1/audit?node=web1.example.net&outcome=2")).JsonAsync();
        Assert.Equal(call.Id, Assert.Single(listed.GetProperty("records").EnumerateArray().ToList()).GetProperty("id").GetString());
        Assert.Equal(2, (await (await api.GetAsync($"/v1/audit/{call.Id}")).JsonAsync()).GetArrayLength());
        await (await api.GetAsync("/v1/audit/0123")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-audit-record");
        await (await api.GetAsync("/v1/audit?cursor=x")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task ACall_IsNotMade_WhenTheLogIsAway()
    {
        api.Audit.BeforeAnswer = () => throw new StoreUnavailableException("away");

        await (await api.PostAsync(Reprovision, Body)).AssertProblemAsync(HttpStatusCode.ServiceUnavailable, "audit-unavailable");

        Assert.Null(api.Grains.LastReprovision);
        Assert.Equal(HttpStatusCode.OK, (await api.GetAsync("/v1/nodes")).StatusCode);
    }

    [Fact]
    public async Task WhatTheRecordDoesNow_IsMeasured()
    {
        var measured = await api.Http.GetStringAsync(new Uri(api.HealthUrl, "/metrics"), Cancel);

        Assert.Matches("(?m)^controlplane_access_audit_backlog.* 0", measured);
        Assert.Matches("(?m)^controlplane_access_audit_break_glass.* 0", measured);
    }

    [Fact]
    public async Task TheCommands_ListShowExportAndVerify()
    {
        await api.PostAsync(Reprovision, Body);
        await UntilAsync(2);
        var id = (await RecordsAsync())[0].Id;
        var export = Path.Combine(folder, "export.jsonl");

        Assert.Contains(id, await RunAsync(ExitCodes.Done, "audit", "list", "--who", "local"));
        Assert.DoesNotContain(id, await RunAsync(ExitCodes.Done, "audit", "list", "--denied"));
        Assert.Contains("new disk", await RunAsync(ExitCodes.Done, "audit", "show", id));
        await RunAsync(ExitCodes.Done, "audit", "export", "--file", export);
        Assert.Matches("faults: +0", await RunAsync(ExitCodes.Done, "audit", "verify", "--file", export));

        var exported = await File.ReadAllTextAsync(export, Cancel);
        await File.WriteAllTextAsync(export, exported.Replace("new disk", "no disk", StringComparison.Ordinal), Cancel);
        Assert.Contains("record 1 was changed", await RunAsync(ExitCodes.Refused, "audit", "verify", "--file", export));

        api.Audit.Change(1, record => record with
        {
            Content = Encoding.UTF8.GetBytes(
                Encoding.UTF8.GetString(record.Content.Span).Replace("new disk", "no disk", StringComparison.Ordinal)),
        });
        Assert.Contains("record 1 was changed", await RunAsync(ExitCodes.Refused, "audit", "verify"));
    }

    private async Task<string> RunAsync(int exitCode, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.RunAsync([.. args, "--url", api.Url.ToString()], output, error);
        Assert.True(exitCode == code, $"{string.Join(' ', args)} ended with {code}: {error}{output}");
        return output.ToString();
    }

    private Task<IReadOnlyList<AuditRecord>> RecordsAsync() => ((ILog)api.Audit).RecordsAsync(Cancel);

    private Task UntilAsync(int records) => ControlPlane.TestKit.Readiness.UntilAsync(
        async _ => (await RecordsAsync()).Count >= records, $"{records} records", Cancel);
}
