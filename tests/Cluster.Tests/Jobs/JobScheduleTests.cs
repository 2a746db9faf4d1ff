using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

/// <summary>Schedules over HTTP, on the command line and in the console.</summary>
public sealed class JobScheduleTests : IAsyncLifetime
{
    private const string Token = "puppeteer-0123456789abcdefg";
    private const string Job = """{ "agent": "puppet", "action": "runonce", "targets": { "identities": ["web1"] } }""";
    private const string Why = """{ "reason": " CHG-1 " }""";

    private readonly string folder = Directory.CreateTempSubdirectory("controlplane-schedules-").FullName;
    private ApiHost api = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private FakeJobSchedules Schedules => api.Grains.Jobs.Schedules;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await api.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Apply_TakesTheJob_AndWhenItRuns_AndGivesItBackAsItMayBeAppliedAgain()
    {
        var response = await PutAsync($$"""
            { "cron": "0 2 * * 1-5", "timeZone": "Europe/Dublin", "missed": "once", "overlap": "allow", "job": {{Job}} }
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var taken = Schedules["nightly"]!.Schedule;
        Assert.Equal(("0 2 * * 1-5", "Europe/Dublin"), (taken.Cron, taken.TimeZone));
        Assert.Equal((MissedRuns.Once, OverlappingRuns.Allow), (taken.Missed, taken.Overlap));
        Assert.Equal(["web1"], taken.Job.Targets.Identities);
        var again = await PutAsync((await response.JsonAsync()).GetProperty("schedule").GetRawText());
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(JsonSerializer.Serialize(taken), JsonSerializer.Serialize(Schedules["nightly"]!.Schedule));
    }

    [Fact]
    public async Task Apply_HasDefaults()
    {
        await PutAsync($$"""{ "cron": "0 2 * * *", "job": {{Job}} }""");

        var taken = Schedules["nightly"]!.Schedule;
        Assert.Equal(("UTC", MissedRuns.Skip, OverlappingRuns.Skip), (taken.TimeZone, taken.Missed, taken.Overlap));
    }

    [Fact]
    public async Task Apply_IsRefused_WithEachFault_AtItsPlace()
    {
        var response = await PutAsync("""
            { "cron": "0 2 * * *", "job": { "agent": "a", "action": "b", "targets": {}, "timeouts": { "job": "ever" } } }
            """);
        var faults = (await response.JsonAsync()).GetProperty("faults").EnumerateArray().Select(fault => fault.GetString()!).ToList();
        Assert.Equal(2, faults.Count);
        Assert.StartsWith("$.job.targets:", faults[0], StringComparison.Ordinal);
        Assert.StartsWith("$.job.timeouts.job:", faults[1], StringComparison.Ordinal);
        await response.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

        var good = $$"""{ "cron": "0 2 * * *", "job": {{Job}} }""";
        await (await PutAsync(good, "Nightly")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await PutAsync(good, new string('n', 51))).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await PutAsync("""{ "cron": "0 2 * * *" }""")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        Schedules.Refusal = new JobScheduleOutcome.Refused(JobRefusal.InvalidSpec, ["cron is wrong", "timeZone is wrong"]);
        Assert.Equal(2, (await (await PutAsync(good)).JsonAsync()).GetProperty("faults").GetArrayLength());
        Schedules.Refusal = new JobScheduleOutcome.Refused(JobRefusal.AnotherOwner, ["it is ann's"]);
        await (await PutAsync(good)).AssertProblemAsync(HttpStatusCode.Conflict, "another-owner");
        Schedules.Refusal = new JobScheduleOutcome.Refused(JobRefusal.TooManySchedules, ["there are 1000"]);
        await (await PutAsync(good)).AssertProblemAsync(HttpStatusCode.Conflict, "too-many-schedules");
    }

    [Fact]
    public async Task ListAndShow_TellTheNextRun_AndTheLastJob()
    {
        Schedules.Add("weekly");
        Schedules.Add("nightly");

        var list = (await (await api.GetAsync("/v1/job-schedules")).JsonAsync()).GetProperty("schedules");
        var shown = await (await api.GetAsync("/v1/job-schedules/nightly")).JsonAsync();

        Assert.Equal(["nightly", "weekly"], list.EnumerateArray().Select(one => one.GetProperty("name").GetString()));
        Assert.Equal("nightly-197001010000", shown.GetProperty("lastJob").GetString());
        Assert.Equal("begun", shown.GetProperty("lastRun").GetProperty("state").GetString());
        Assert.StartsWith("1970-01-02T00:00:00", shown.GetProperty("nextRun").GetString(), StringComparison.Ordinal);
        Assert.Equal("puppet", shown.GetProperty("schedule").GetProperty("job").GetProperty("agent").GetString());
        await (await api.GetAsync("/v1/job-schedules/none")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-schedule");
        await (await api.GetAsync("/v1/job-schedules/No")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Theory]
    [InlineData("POST", ":pause", "pause CHG-1")]
    [InlineData("POST", ":resume", "resume CHG-1")]
    [InlineData("DELETE", "", "delete CHG-1")]
    public async Task ACommand_IsTold_WithItsReason(string method, string verb, string told)
    {
        Schedules.Add("nightly");

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(method, $"nightly{verb}", Why)).StatusCode);

        Assert.Equal(told, Schedules.LastCall);
        Assert.Equal(method == "DELETE", Schedules["nightly"] is null);
        await (await SendAsync(method, $"none{verb}", Why)).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-schedule");
        await (await SendAsync(method, $"nightly{verb}", """{ "reason": " " }""")).AssertProblemAsync(
            HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Apply_IsJudged_ByAgentActionTargetsAndReasonOfTheJob()
    {
        var (tokens, policy) = (Path.Combine(folder, "tokens"), Path.Combine(folder, "access.yaml"));
        await File.WriteAllTextAsync(tokens, $"puppeteer {Token}\n", Cancelled);
        await File.WriteAllTextAsync(
            policy,
            """
            apiVersion: access.controlplane/v1
            kind: AccessPolicy
            roles:
              puppeteer:
                - { permissions: [jobs.run], agents: [puppet], actions: [runonce], limits: { targets: 1 }, conditions: { reason: true } }
            grants:
              - { role: puppeteer, principals: ["*"] }
            """,
            Cancelled);
        await using var guarded = await ApiHost.StartAsync(("Access:Tokens:Files:0", tokens), ("Access:Policy:File", policy));
        guarded.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync("puppet", "web1", "CHG-1"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("service", "web1", "CHG-1"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("puppet", "web1\", \"web2", "CHG-1"));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync("puppet", "web1", ""));
        Assert.Equal(HttpStatusCode.Forbidden, (await guarded.PostAsync("/v1/job-schedules/nightly:pause", Why)).StatusCode);

        async Task<HttpStatusCode> StatusAsync(string agent, string nodes, string reason)
        {
            var body = $$"""
                {
                  "cron": "0 2 * * *",
                  "job": { "agent": "{{agent}}", "action": "runonce", "targets": { "identities": ["{{nodes}}"] }, "reason": "{{reason}}" }
                }
                """;
            using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            return (await guarded.Http.PutAsync("/v1/job-schedules/nightly", content, Cancelled)).StatusCode;
        }
    }

    [Fact]
    public async Task Commands_ApplyAFile_AndShowHowSchedulesStand()
    {
        var path = Path.Combine(folder, "schedule.yaml");
        await File.WriteAllTextAsync(
            path, "cron: 0 2 * * 1-5\ntimeZone: Europe/Dublin\njob: { agent: puppet, action: runonce, targets: { all: true } }\n", Cancelled);

        var (applied, output, _) = await RunAsync("apply", "nightly", "-f", path);
        Schedules.Add("nightly");
        var (_, list, _) = await RunAsync("list");
        var (_, show, _) = await RunAsync("show", "nightly");
        var (_, json, _) = await RunAsync("show", "nightly", "-o", "json");
        var (unknown, _, why) = await RunAsync("show", "none");

        Assert.Equal((ExitCodes.Done, ExitCodes.Refused), (applied, unknown));
        Assert.Contains("zone:     Europe/Dublin", output, StringComparison.Ordinal);
        Assert.Contains("nightly  puppet#runonce  0 2 * * *  UTC   1970-01-02T00:00:00Z  begun", list, StringComparison.Ordinal);
        Assert.Contains("last job: nightly-197001010000", show, StringComparison.Ordinal);
        Assert.Equal("0 2 * * *", JsonDocument.Parse(json).RootElement.GetProperty("schedule").GetProperty("cron").GetString());
        Assert.Contains("there is no schedule 'none'", why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pause")]
    [InlineData("resume")]
    [InlineData("delete")]
    public async Task Commands_TellTheSchedule(string verb)
    {
        Schedules.Add("nightly");

        Assert.Equal(ExitCodes.Usage, (await RunAsync(verb, "nightly")).ExitCode);
        Assert.Equal(ExitCodes.Done, (await RunAsync(verb, "nightly", "--reason", "CHG-1")).ExitCode);
        Assert.Equal($"{verb} CHG-1", Schedules.LastCall);
    }

    [Fact]
    public async Task TheBoard_ShowsSchedules_AsTextOnly()
    {
        Assert.DoesNotContain("Schedules", await api.GetTextAsync("/jobs"), StringComparison.Ordinal);
        Schedules.Add("nightly");
        Schedules["nightly"] = Schedules["nightly"]! with
        {
            PausedBecause = "<img src=x>",
            NextRun = null,
            LastRun = new ScheduledRun(
                DateTimeOffset.UnixEpoch, "nightly-197001010100", ScheduledRunState.Skipped, "the run before was unfinished"),
        };

        var page = await api.GetTextAsync("/jobs");

        Assert.Contains("/jobs/nightly-197001010000", page, StringComparison.Ordinal);
        Assert.Contains("then Skipped: the run before was unfinished", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<img src=x", page, StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> PutAsync(string body, string name = "nightly") => SendAsync("PUT", name, body);

    private Task<HttpResponseMessage> SendAsync(string method, string path, string body) => api.Http.SendAsync(
        new HttpRequestMessage(new HttpMethod(method), $"/v1/job-schedules/{path}")
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
        },
        Cancelled);

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await CommandLine.RunAsync(["job", "schedule", .. args, "--url", api.Url.ToString()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
