using System.Net;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

public sealed class JobPagesTests : IAsyncLifetime
{
    private const string Hostile = "<img src=x onerror=\"alert('1')\">";

    private ApiHost api = null!;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task TheBoard_ShowsJobs_WhereTheyAre()
    {
        var waiting = api.Grains.Jobs.Add("a1");
        waiting.Become(waiting.Snapshot with { State = JobState.Paused, Reason = Hostile });
        api.Grains.Jobs.Add("b2");

        var page = await api.GetTextAsync("/jobs");

        Assert.True(page.IndexOf("/jobs/a1", StringComparison.Ordinal) < page.IndexOf("active-title", StringComparison.Ordinal));
        Assert.True(page.IndexOf("/jobs/b2", StringComparison.Ordinal) > page.IndexOf("active-title", StringComparison.Ordinal));
        Assert.DoesNotContain("<img src=x", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AJob_ShowsItsStages_AndWhatFailed_AsTextOnly()
    {
        var job = api.Grains.Jobs.Add("abc", new JobSpec(new JobAction("puppet", "runonce"), new JobTargets { Identities = ["web1"] })
        {
            Stages =
            [
                new JobStage("canary", "5%") { Gate = JobGate.Manual, Bake = TimeSpan.FromMinutes(10) },
                new JobStage("tenth", "10%") { Gate = JobGate.WebHook, GateWebHook = "board" },
                new JobStage("rest", "100%"),
            ],
            Notify = new JobNotify { WebHooks = ["chat"], Nats = true },
            After = ["first"],
            Window = new JobWindow(new TimeOnly(22, 0), new TimeOnly(4, 0)) { Days = [DayOfWeek.Saturday] },
            Offline = new JobOffline(OfflinePolicy.Wait),
            Retry = new JobRetry { On = [TargetState.Failed], Max = 2 },
            Thresholds = [new JobThreshold(ThresholdScope.Stage, [TargetState.Failed], ThresholdAction.Pause) { Percent = 3 }],
        });
        job.Say("web1", TargetState.Failed, 1, Hostile);
        job.Say("web2", TargetState.Failed, 1, Hostile);
        job.Say("web3", TargetState.TimedOut, null, "no reply");

        var response = await api.GetAsync("/jobs/abc");
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.DoesNotContain("unsafe", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.DoesNotContain("<img src=x", page, StringComparison.Ordinal);
        Assert.DoesNotContain(" style=", page, StringComparison.Ordinal);
        Assert.Contains("canary", page, StringComparison.Ordinal);
        Assert.Contains("bakes 10m, somebody advances it", page, StringComparison.Ordinal);
        Assert.Contains("the web hook board is asked", page, StringComparison.Ordinal);
        Assert.Contains("<dt>Tells</dt><dd>chat, NATS</dd>", page, StringComparison.Ordinal);
        Assert.Contains("<dt>After</dt><dd>first</dd>", page, StringComparison.Ordinal);
        Assert.Contains("<dd>are waited for 6h, then skipped</dd>", page, StringComparison.Ordinal);
        Assert.Contains("<dd>2 times what is Failed, after up to 5s, at most 2m</dd>", page, StringComparison.Ordinal);
        Assert.Contains("<dd>a node 1m, the job 1d</dd>", page, StringComparison.Ordinal);
        Assert.Contains("22:00 to 04:00 on Saturday, in each overlay", page, StringComparison.Ordinal);
        Assert.Contains("Pause at 3% (of 20 or more) Failed in the Stage", page, StringComparison.Ordinal);
        Assert.Contains("""<td class="number">2</td><td>Failed</td>""", page, StringComparison.Ordinal);
        Assert.Contains("""data-verbs="pause retry abort""", page, StringComparison.Ordinal);
        Assert.Contains("""data-verb="pause">""", page, StringComparison.Ordinal);
        Assert.Contains("""data-verb="resume" disabled>""", page, StringComparison.Ordinal);
        Assert.DoesNotContain("""data-verb="approve""", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AJob_IsShown_WithoutTheFailuresOfAnOverlay_ThatDoesNotAnswer()
    {
        var job = api.Grains.Jobs.Add("abc");
        job.Say("web1", TargetState.Failed, 1, "disk full");
        job.Unreachable = ["eu-2"];

        var page = await api.GetTextAsync("/jobs/abc");

        Assert.Contains("disk full", page, StringComparison.Ordinal);
        Assert.Contains("Without those of eu-2, which does not answer.", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_GoWithoutAnOverlayThatIsCutOff_AndSaySo_AndAFileIsRefused()
    {
        var job = api.Grains.Jobs.Add("abc");
        job.Say("n1", TargetState.Succeeded);
        job.Unreachable = ["eu-2"];

        foreach (var kind in (string[])["targets", "results"])
        {
            var page = await (await api.GetAsync($"/v1/jobs/abc/{kind}")).JsonAsync();
            Assert.Equal("n1", Assert.Single(page.GetProperty(kind).EnumerateArray()).GetProperty("identity").GetString());
            Assert.Equal("""["eu-2"]""", page.GetProperty("unreachable").ToString());
        }

        await (await api.GetAsync("/v1/jobs/abc/results?format=csv"))
            .AssertProblemAsync(HttpStatusCode.ServiceUnavailable, "overlay-unreachable");
    }

    [Fact]
    public async Task AJob_OfSomebodyElse_MayBeApproved()
    {
        var job = api.Grains.Jobs.Add("abc");
        job.Become(job.Snapshot with { Submitter = "ann", State = JobState.AwaitingApproval, Verbs = [JobVerb.Approve] });

        var page = await api.GetTextAsync("/jobs/abc");

        Assert.Contains("""data-verb="approve">""", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/jobs/none")]
    [InlineData("/jobs/No")]
    public async Task AJob_ThatThereIsNot_IsNotFound(string path) =>
        Assert.Equal(HttpStatusCode.NotFound, (await api.GetAsync(path)).StatusCode);

    [Fact]
    public void Of_PutsTogether_WhatSaysTheSame_AndCountsANodeOnce()
    {
        var groups = FailureGroup.Of(
        [
            Result("web1", 1, TargetState.Failed, "full"), Result("web1", 2, TargetState.TimedOut, "no reply"),
            Result("web2", 1, TargetState.Failed, "full"), Result("web3", 1, TargetState.Failed, "full"),
        ]);

        Assert.Equal([("full", 2), ("no reply", 1)], groups.Select(group => (group.Message, group.Nodes)));
        Assert.Equal(["web2", "web3"], groups[0].Examples);
    }

    private static JobResult Result(string identity, int attempt, TargetState state, string message) =>
        new(identity, "eu-1", attempt, state, 1, message, null, DateTimeOffset.UnixEpoch, IsLate: false);
}
