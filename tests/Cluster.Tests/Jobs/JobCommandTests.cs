using System.Text.Json;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

public sealed class JobCommandTests : IAsyncLifetime
{
    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-job-").FullName;
    private ApiHost api = null!;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private FakeJobs Jobs => api.Grains.Jobs;

    [Fact]
    public async Task Run_SubmitsTheFile_OnceForAKey()
    {
        var path = await FileAsync("agent: rpcutil\naction: ping\ntargets: { all: true }\nstages: [ { name: a, size: 50 }, { name: b } ]\n");

        var (exitCode, output, _) = await RunAsync("job", "run", "-f", path, "--idempotency-key", "k");
        var (again, _, _) = await RunAsync("job", "run", "-f", path, "--idempotency-key", "k");

        Assert.Equal((ExitCodes.Done, ExitCodes.Done), (exitCode, again));
        var id = Assert.Single(Jobs.Ids);
        Assert.Equal(JobKeys.IdOf("local", "k"), id);
        Assert.Equal(["50", "100%"], Jobs[id].Snapshot.Spec.Stages.Select(stage => stage.Size));
        Assert.Contains($"controlplane job watch {id}", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("targets")]
    [InlineData("results")]
    public async Task Lists_GoWithoutAnOverlayThatIsCutOff_AndSaySo(string list)
    {
        var job = Jobs.Add("abc");
        job.Say("web1", TargetState.Failed, 1, "full");
        job.Unreachable = ["eu-2"];

        var (exitCode, output, error) = await RunAsync("job", list, "abc");

        Assert.Equal(ExitCodes.Unreachable, exitCode);
        Assert.Contains("web1", output, StringComparison.Ordinal);
        Assert.Contains("without eu-2, which does not answer", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_OfAJobWithoutAnOverlay_IsNoSuccess()
    {
        var job = Jobs.Add("abc");
        job.Say("web1", TargetState.Succeeded);
        job.Become(job.Snapshot with
        {
            State = JobState.Completed,
            Overlays = [new JobInOverlay("eu-2", TargetCounts.None, "", IsAway: true, null) { IsLeftOut = true }],
        });

        var (exitCode, output, _) = await RunAsync("job", "watch", "abc");

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Contains("eu-2 (left out)", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(JobState.Running, ExitCodes.Done)]
    [InlineData(JobState.Failed, ExitCodes.Refused)]
    public async Task DryRun_ShowsWhoWouldBeHit_InWhichStage_AndSubmitsNothing(JobState state, int expected)
    {
        Jobs.DryRun = new JobDryRun
        {
            State = state,
            Stages = [1, 4],
            Overlays = [new JobDryRunOverlay("eu-1", 5, Fault: null), new JobDryRunOverlay("eu-2", 0, "it does not answer")],
            Nodes = [new JobDryRunNode("web2", "eu-1", 0), new JobDryRunNode("web1", "eu-1", 1)],
        };
        var path = await FileAsync(
            "agent: rpcutil\naction: ping\ntargets: { all: true }\nstages: [ { name: canary, size: 1 }, { name: rest, size: 100% } ]\n");

        var (exitCode, output, _) = await RunAsync("job", "run", "-f", path, "--dry-run");
        Jobs.DryRun = new JobDryRun { State = state, Stages = [1] };
        var (ofRpc, _, _) = await RunAsync("rpc", "rpcutil", "ping", "-I", "web1", "--dry-run");

        Assert.Equal((expected, expected), (exitCode, ofRpc));
        Assert.Matches("(?m)^web2 +eu-1 +canary$", output);
        Assert.Matches("(?m)^web1 +eu-1 +rest$", output);
        Assert.Matches("(?m)^eu-2 +0 +it does not answer$", output);
        Assert.Contains("… and 3 more", output, StringComparison.Ordinal);
        Assert.Empty(Jobs.Ids);
    }

    [Fact]
    public async Task Run_SaysWhatIsWrongWithAFile()
    {
        var (unread, _, where) = await RunAsync("job", "run", "-f", await FileAsync("agent: [\n"));
        var (refused, _, why) = await RunAsync("job", "run", "-f", await FileAsync("agent: a\naction: b\ntargets: {}\n"));

        Assert.Equal((ExitCodes.Usage, ExitCodes.Refused), (unread, refused));
        Assert.Contains("job.yaml:", where, StringComparison.Ordinal);
        Assert.Contains("$.targets: names no nodes", why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TargetState.Succeeded, ExitCodes.Done)]
    [InlineData(TargetState.Failed, ExitCodes.Refused)]
    public async Task Watch_EndsWithTheJob_AndTellsByItsExit(TargetState state, int expected)
    {
        var job = Jobs.Add("abc");
        var watching = RunAsync("job", "watch", "abc");
        await job.AwaitedAsync();
        job.Become(job.Snapshot with { State = JobState.AtGate, Reason = "somebody must advance it" });
        await job.AwaitedAsync();

        job.Say("web1", state);
        job.Become(job.Snapshot with { State = JobState.Completed });

        var (exitCode, output, error) = await watching;
        Assert.Equal(expected, exitCode);
        Assert.Contains("completed", output, StringComparison.Ordinal);
        Assert.Contains("job abc is atGate: somebody must advance it", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ListAndShow_PrintHowJobsStand()
    {
        var job = Jobs.Add("abc");
        job.Say("web1", TargetState.Succeeded);
        job.Say("web2", TargetState.TimedOut, null, "no reply");

        var (_, list, _) = await RunAsync("job", "list", "--state", "running");
        var (_, show, _) = await RunAsync("job", "show", "abc");
        var (_, json, _) = await RunAsync("job", "show", "abc", "-o", "json");

        Assert.Contains("abc  puppet#runonce  running  1 of 1  2        2      1", list, StringComparison.Ordinal);
        Assert.Contains("action:    puppet#runonce", show, StringComparison.Ordinal);
        Assert.Contains("all    2", show, StringComparison.Ordinal);
        Assert.Equal("puppet", JsonDocument.Parse(json).RootElement.GetProperty("job").GetProperty("agent").GetString());
    }

    [Fact]
    public async Task TargetsAndResults_ArePrinted_AndExported()
    {
        var job = Jobs.Add("abc");
        job.Say("web1", TargetState.Succeeded, data: """{"a":1}""");
        job.Say("web2", TargetState.Failed, 1, "disk full");

        var (_, targets, _) = await RunAsync("job", "targets", "abc", "--state", "failed");
        var (_, results, _) = await RunAsync("job", "results", "abc", "--filter-replies", "msg =~ /disk/");
        var (_, csv, _) = await RunAsync("job", "results", "abc", "--export", "csv");
        var path = Path.Combine(folder, "out.jsonl");
        await RunAsync("job", "results", "abc", "--export", "jsonl", "--file", path);

        Assert.Equal(2, targets.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("web2      1        failed  1     disk full", results, StringComparison.Ordinal);
        Assert.DoesNotContain("web1", results, StringComparison.Ordinal);
        Assert.StartsWith("identity,overlay,attempt", csv, StringComparison.Ordinal);
        Assert.Equal(2, (await File.ReadAllLinesAsync(path, TestContext.Current.CancellationToken)).Length);
    }

    [Theory]
    [InlineData("approve", "approve CHG-1")]
    [InlineData("pause", "pause CHG-1")]
    [InlineData("resume", "resume CHG-1")]
    [InlineData("abort", "abort CHG-1")]
    [InlineData("advance", "advance 0 CHG-1")]
    [InlineData("advance --stage 2", "advance 2 CHG-1")]
    [InlineData("retry --state failed timedOut", "retry Failed,TimedOut CHG-1")]
    public async Task ACommand_TellsTheJob(string command, string told)
    {
        Jobs.Add("abc");
        var words = command.Split(' ');

        var (exitCode, _, _) = await RunAsync(["job", words[0], "abc", .. words[1..], "--reason", "CHG-1"]);

        Assert.Equal((ExitCodes.Done, told), (exitCode, Jobs.LastCall));
    }

    [Fact]
    public async Task Rpc_ShowsRepliesAndTheSum_AndFailsWhenANodeDoes()
    {
        var running = RunAsync("rpc", "package", "status", "package=zsh", "-I", "web1", "-I", "web2", "-I", "web3", "--timeout", "30s");
        var job = await StartedAsync();
        job.Say("web1", TargetState.Succeeded, data: """{"ensure":"5.9","name":"zsh"}""");
        job.Say("web2", TargetState.Failed, 1, "no \u001b[31m such package", "{}");
        job.Say("web3", TargetState.TimedOut, null, "it did not answer within 30s", null);
        job.Become(job.Snapshot with { State = JobState.Completed, EndedAt = DateTimeOffset.UnixEpoch.AddSeconds(1.23) });

        var (exitCode, output, _) = await running;

        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Equal(
            """
            web1
               ensure: 5.9
                 name: zsh

            web2
               Request Aborted
               no  [31m such package

            No replies from 1 hosts: it did not answer within 30s
               web3

            Finished processing 2 / 3 hosts in 1.2s

            """,
            output);
        var spec = job.Snapshot.Spec;
        Assert.Equal(["web1", "web2", "web3"], spec.Targets.Identities);
        Assert.Equal("""{"package":"zsh"}""", spec.Action.InputsJson);
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)), (spec.Timeouts.Execution, spec.Timeouts.Delivery));
        Assert.Equal(100_000, Assert.Single(spec.Stages).Concurrency);
    }

    [Fact]
    public async Task Rpc_ShowsAndSumsUp_WhatTheDdlSays()
    {
        api.Grains.Ddls.AddPackage();
        var running = RunAsync("rpc", "package", "status", "package=zsh", "-I", "web1", "-I", "web2", "-I", "web3", "-I", "web4");
        var job = await StartedAsync();
        job.Say("web1", TargetState.Succeeded, data: """{"ensure":"5.9"}""");
        job.Say("web2", TargetState.Succeeded, data: """{"ensure":"5.9"}""");
        job.Say("web3", TargetState.Succeeded, data: """{"ensure":"5.8"}""");
        job.Say("web4", TargetState.Failed, 1, "no such package", """{"ensure":"absent"}""");
        job.Become(job.Snapshot with { State = JobState.Completed, EndedAt = DateTimeOffset.UnixEpoch.AddSeconds(1) });

        Assert.Equal(
            """
            web4
               Request Aborted
               no such package
               Installed Version: absent

            Summary of Installed Version:
               5.9 = 2
               5.8 = 1

            Finished processing 4 / 4 hosts in 1.0s

            """,
            (await running).Output);
    }

    [Fact]
    public async Task Rpc_SendsTheFilters_AndTheAgentAsOne()
    {
        var running = RunAsync(
            "rpc", "rpcutil", "ping", "-F", "os.family=Debian", "-C", "role::web", "-W", "country=uk /x/", "-I", "/^web/", "-S", "a=b",
            "--overlay", "eu-1", "--batch", "10", "--mode", "reliable", "--json");
        var job = await StartedAsync();
        job.Say("web1", TargetState.Succeeded);
        job.Become(job.Snapshot with { State = JobState.Completed });

        var (exitCode, output, _) = await running;

        Assert.Equal(ExitCodes.Done, exitCode);
        Assert.Equal("web1", JsonDocument.Parse(output).RootElement.GetProperty("results")[0].GetProperty("identity").GetString());
        var spec = job.Snapshot.Spec;
        Assert.Equal(["os.family=Debian", "country=uk"], spec.Targets.Query!.Facts);
        Assert.Equal(["role::web", "/x/"], spec.Targets.Query.Classes);
        Assert.Equal(["rpcutil"], spec.Targets.Query.Agents);
        Assert.Equal(["/^web/"], spec.Targets.Query.Identities);
        Assert.Equal(("a=b", JobMode.Reliable, 10), (spec.Targets.Query.Filter, spec.Mode, spec.Stages[0].Concurrency));
        Assert.Equal(["eu-1"], spec.Targets.Overlays);
    }

    [Fact]
    public async Task Rpc_TakesAllNodesThatMatch_ForTheAgentThatIsOnNone()
    {
        var running = RunAsync("rpc", "controlplane", "reprovision", "-C", "role::web");
        var job = await StartedAsync();
        job.Become(job.Snapshot with { State = JobState.Completed });
        await running;

        Assert.Equal(["role::web"], job.Snapshot.Spec.Targets.Query!.Classes);
        Assert.Empty(job.Snapshot.Spec.Targets.Query.Agents);
    }

    [Fact]
    public async Task Rpc_AsksTheNetwork_WhenItIsToldTo()
    {
        var running = RunAsync("rpc", "rpcutil", "ping", "--dm", "broadcast", "-S", "with('web')");
        var job = await StartedAsync();
        job.Become(job.Snapshot with { State = JobState.Completed });

        Assert.Equal(ExitCodes.Refused, (await running).ExitCode);
        Assert.Equal("with('web')", job.Snapshot.Spec.Targets.Broadcast!.Filter);
        Assert.Equal(["rpcutil"], job.Snapshot.Spec.Targets.Broadcast.Agents);
    }

    [Fact]
    public async Task Rpc_TakesSoManyOfTheNodes()
    {
        foreach (var number in Enumerable.Range(0, 20))
        {
            api.Grains.Say($"n{number:00}", """{"a":"b"}""");
        }

        var running = RunAsync("rpc", "rpcutil", "ping", "-F", "a=b", "--limit", "10%");
        var job = await StartedAsync();
        job.Become(job.Snapshot with { State = JobState.Completed });
        await running;

        Assert.Equal(["n00", "n01"], job.Snapshot.Spec.Targets.Identities);
    }

    [Theory]
    [InlineData("rpc", "rpcutil")]
    [InlineData("rpc", "rpcutil", "ping", "nothing")]
    [InlineData("rpc", "rpcutil", "ping", "--timeout", "soon")]
    [InlineData("rpc", "rpcutil", "ping", "--dm", "list")]
    [InlineData("rpc", "rpcutil", "ping", "--dm", "broadcast", "--limit", "5")]
    [InlineData("rpc", "rpcutil", "ping", "-I", "web1", "--limit", "x")]
    [InlineData("job", "run")]
    [InlineData("job", "run", "-f", "/no/such/file")]
    [InlineData("job", "pause", "abc")]
    [InlineData("job", "retry", "abc", "--reason", "x")]
    [InlineData("job", "list", "--state", "asleep")]
    [InlineData("job", "results", "abc", "--export", "xml")]
    public async Task ACommand_ExitsWith2_WhenItIsMalformed(params string[] args) =>
        Assert.Equal(ExitCodes.Usage, (await RunAsync(args)).ExitCode);

    private async Task<FakeJob> StartedAsync()
    {
        await TestKit.Readiness.UntilAsync(
            _ => Task.FromResult(Jobs.Ids.Count == 1), "the job is submitted", TestContext.Current.CancellationToken);
        return Jobs[Jobs.Ids[0]];
    }

    private async Task<string> FileAsync(string text)
    {
        var path = Path.Combine(folder, "job.yaml");
        await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        return path;
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await CommandLine.RunAsync([.. args, "--url", api.Url.ToString()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
