using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Jobs;

namespace ControlPlane.Cluster.Tests.Jobs;

public sealed class JobApiTests : IAsyncLifetime
{
    private const string Ping = """{ "agent": "rpcutil", "action": "ping", "targets": { "all": true } }""";
    private const string Why = """{ "reason": " CHG-1 " }""";

    private ApiHost api = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => api.DisposeAsync();

    [Fact]
    public async Task Submit_AnswersWithTheJob_AndWhereItIs()
    {
        var response = await api.PostAsync("/v1/jobs", Ping);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var id = Assert.Single(api.Grains.Jobs.Ids);
        Assert.Equal($"/v1/jobs/{id}", response.Headers.Location?.ToString());
        var job = await response.JsonAsync();
        Assert.Equal("running", job.GetProperty("state").GetString());
        Assert.Equal("rpcutil", job.GetProperty("job").GetProperty("agent").GetString());
        Assert.True(job.GetProperty("job").GetProperty("targets").GetProperty("all").GetBoolean());
    }

    [Fact]
    public async Task Submit_GivesTheSameJob_ForTheSameKey_AndRefusesAnotherUnderIt()
    {
        var first = await (await SubmitAsync(Ping, "release-7")).JsonAsync();
        var second = await (await SubmitAsync(Ping, "release-7")).JsonAsync();
        var other = await (await SubmitAsync(Ping, "release-8")).JsonAsync();

        Assert.Equal(first.GetProperty("id").GetString(), second.GetProperty("id").GetString());
        Assert.NotEqual(first.GetProperty("id").GetString(), other.GetProperty("id").GetString());
        Assert.Equal(2, api.Grains.Jobs.Ids.Count);
        await (await SubmitAsync(Ping.Replace("ping", "inventory", StringComparison.Ordinal), "release-7"))
            .AssertProblemAsync(HttpStatusCode.Conflict, "another-job");
        await (await SubmitAsync(Ping, new string('x', 201))).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public void IdOf_IsAnId_ThatOtherCallersDoNotGet()
    {
        Assert.True(JobId.IsValid(JobKeys.IdOf("ann", "key")));
        Assert.True(JobId.IsValid(JobKeys.NewId()));
        Assert.NotEqual(JobKeys.NewId(), JobKeys.NewId());
        Assert.NotEqual(JobKeys.IdOf("ann", "key"), JobKeys.IdOf("annk", "ey"));
        Assert.Equal(JobKeys.IdOf("ann", "key"), JobKeys.IdOf("ann", "key"));
    }

    [Fact]
    public async Task Submit_IsRefused_WithEachFault()
    {
        var response = await api.PostAsync("/v1/jobs", """
            { "agent": "a", "action": "b", "targets": {}, "timeouts": { "job": "ever" } }
            """);

        var faults = (await response.JsonAsync()).GetProperty("faults").EnumerateArray().Select(fault => fault.GetString()!).ToList();
        Assert.Equal(2, faults.Count);
        Assert.StartsWith("$.targets:", faults[0], StringComparison.Ordinal);
        Assert.StartsWith("$.timeouts.job:", faults[1], StringComparison.Ordinal);
        await response.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Submit_IsRefused_WithTheFaultsOfTheJob()
    {
        api.Grains.Jobs.Refusal = new JobOutcome.Refused(JobRefusal.InvalidSpec, ["there is no such action", "the last stage is no 100%"]);

        var response = await api.PostAsync("/v1/jobs", Ping);

        Assert.Equal(2, (await response.JsonAsync()).GetProperty("faults").GetArrayLength());
        await response.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Theory]
    [InlineData("""{ "agent": "a", "action": "b" }""", "$")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "all": true }, "stages": [ { "name": "x", "gat": "auto" } ] }""", "$.stages[0].gat")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "all": true }, "mode": 1 }""", "$.mode")]
    [InlineData(
        """{ "agent": "a", "action": "b", "targets": { "all": true }, "stages": [ { "name": "x", "gate": { "webHook": "board" } } ] }""",
        "$.stages[0].gate")]
    [InlineData(
        """{ "agent": "a", "action": "b", "targets": { "all": true }, "notify": { "webHooks": "https://chat.example.net" } }""",
        "$.notify.webHooks")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "all": true }, "notify": { "webHooks": null } }""", "$.notify.webHooks")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "all": true }, "notify": { "url": "https://a" } }""", "$.notify.url")]
    public async Task Submit_IsRefused_WithThePlace_WhenTheBodyIsAnother(string body, string place)
    {
        var response = await api.PostAsync("/v1/jobs", body);

        Assert.EndsWith($"at {place}", (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        await response.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Submit_TakesAHundredThousandIdentities()
    {
        var identities = string.Join(',', Enumerable.Range(0, 100_000).Select(number => $"\"n{number}.dc1.example.net\""));

        var response = await api.PostAsync(
            "/v1/jobs", $$"""{ "agent": "a", "action": "b", "targets": { "identities": [{{identities}}] } }""");

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(100_000, api.Grains.Jobs[api.Grains.Jobs.Ids[0]].Snapshot.Spec.Targets.Identities.Count);
    }

    [Fact]
    public async Task DryRun_SaysWhatWouldBe_AndSubmitsNothing()
    {
        api.Grains.Jobs.DryRun = new JobDryRun
        {
            State = JobState.AwaitingApproval,
            Reason = "3 nodes",
            Stages = [3],
            Overlays = [new JobDryRunOverlay("eu-1", 3, Fault: null)],
            Nodes = [new JobDryRunNode("web1", "eu-1", 0)],
        };

        var found = await (await api.PostAsync("/v1/jobs:dry-run", Ping)).JsonAsync();

        Assert.Equal("awaitingApproval", found.GetProperty("state").GetString());
        Assert.Equal(("all", 3), (found.GetProperty("stages")[0].GetProperty("name").GetString(), found.GetProperty("stages")[0]
            .GetProperty("targets").GetInt32()));
        Assert.Equal("web1", found.GetProperty("nodes")[0].GetProperty("identity").GetString());
        Assert.Empty(api.Grains.Jobs.Ids);
    }

    [Theory]
    [InlineData("""{ "agent": "a", "action": "b", "targets": {} }""")]
    [InlineData(Ping)]
    public async Task DryRun_IsRefused_AsTheJobWouldBe(string body) =>
        await (await api.PostAsync("/v1/jobs:dry-run", body)).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Fact]
    public async Task AnAgent_SaysWhatItsActionsTakeAndAnswer()
    {
        api.Grains.Ddls.AddPackage();

        var action = (await (await api.GetAsync("/v1/agents/package")).JsonAsync()).GetProperty("actions").GetProperty("status");

        Assert.Equal("failed", action.GetProperty("display").GetString());
        Assert.Equal("shellsafe", action.GetProperty("inputs")[0].GetProperty("validation").GetString());
        Assert.Equal("Installed Version", action.GetProperty("outputs")[0].GetProperty("displayAs").GetString());
        await (await api.GetAsync("/v1/agents/none")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-agent");
    }

    [Fact]
    public async Task List_GivesJobs_InTheStatesThatAreAskedFor()
    {
        api.Grains.Jobs.Add("a");
        var paused = api.Grains.Jobs.Add("b");
        paused.Become(paused.Snapshot with { State = JobState.Paused, Reason = "too many failed" });

        Assert.Equal(["a", "b"], await IdsAsync("/v1/jobs"));
        Assert.Equal(["b"], await IdsAsync("/v1/jobs?state=paused"));
        Assert.Equal(["a", "b"], await IdsAsync("/v1/jobs?state=Paused,running"));
        Assert.Equal(["a"], await IdsAsync("/v1/jobs?limit=1"));
        await (await api.GetAsync("/v1/jobs?state=asleep")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await api.GetAsync("/v1/jobs?state=1")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await api.GetAsync("/v1/jobs?limit=0")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Show_HasTheVersionAsItsTag_AndIsNotModifiedForWhoKnowsIt()
    {
        var job = api.Grains.Jobs.Add("abc");
        job.Say("web1", TargetState.Failed, 1, "no");
        var response = await api.GetAsync("/v1/jobs/abc");
        Assert.Equal("\"2\"", response.Headers.ETag?.Tag);
        var counts = (await response.JsonAsync()).GetProperty("counts");
        Assert.Equal((1, 1), (counts.GetProperty("all").GetInt32(), counts.GetProperty("ended").GetInt32()));
        Assert.Equal((1, 0), (counts.GetProperty("failed").GetInt32(), counts.GetProperty("succeeded").GetInt32()));

        using var again = new HttpRequestMessage(HttpMethod.Get, "/v1/jobs/abc");
        again.Headers.TryAddWithoutValidation("If-None-Match", "\"2\"");
        Assert.Equal(HttpStatusCode.NotModified, (await api.Http.SendAsync(again, Cancelled)).StatusCode);

        await (await api.GetAsync("/v1/jobs/none")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-job");
        await (await api.GetAsync("/v1/jobs/No")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await api.GetAsync("/v1/jobs/abc?wait=31s&after=2")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Show_Waits_ForANewerVersion()
    {
        var job = api.Grains.Jobs.Add("abc");
        var waiting = api.GetAsync("/v1/jobs/abc?wait=30s&after=1");
        await job.AwaitedAsync();

        job.Become(job.Snapshot with { State = JobState.Completed });

        Assert.Equal("completed", (await (await waiting).JsonAsync()).GetProperty("state").GetString());
    }

    [Theory]
    [InlineData("approve", Why, "approve CHG-1")]
    [InlineData("pause", Why, "pause CHG-1")]
    [InlineData("resume", Why, "resume CHG-1")]
    [InlineData("abort", Why, "abort CHG-1")]
    [InlineData("advance", """{ "stage": 1, "reason": "ok" }""", "advance 1 ok")]
    [InlineData("retry", """{ "states": ["failed", "timedOut"], "reason": "ok" }""", "retry Failed,TimedOut ok")]
    public async Task ACommand_IsTold_WithItsReason(string verb, string body, string told)
    {
        api.Grains.Jobs.Add("abc");

        var response = await api.PostAsync($"/v1/jobs/abc:{verb}", body);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(told, api.Grains.Jobs.LastCall);
        await (await api.PostAsync($"/v1/jobs/none:{verb}", body)).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-job");
        var unsaid = body.Replace("ok", "", StringComparison.Ordinal).Replace("CHG-1", "", StringComparison.Ordinal);
        await (await api.PostAsync($"/v1/jobs/abc:{verb}", unsaid)).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await api.PostAsync($"/v1/jobs/abc:{verb}", "{}")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        api.Grains.Jobs.Refusal = new JobOutcome.Refused(JobRefusal.WrongState, ["it is not paused"]);
        await (await api.PostAsync($"/v1/jobs/abc:{verb}", body)).AssertProblemAsync(HttpStatusCode.Conflict, "wrong-state");
    }

    [Fact]
    public async Task Targets_AreGivenPageByPage_ByState()
    {
        var job = api.Grains.Jobs.Add("abc");
        foreach (var number in Enumerable.Range(0, 5))
        {
            job.Say($"n{number}", number % 2 == 0 ? TargetState.Succeeded : TargetState.Failed);
        }

        var first = await (await api.GetAsync("/v1/jobs/abc/targets?limit=3")).JsonAsync();
        var second = await (await api.GetAsync($"/v1/jobs/abc/targets?limit=3&cursor={first.GetProperty("next").GetString()}")).JsonAsync();
        var failed = await (await api.GetAsync("/v1/jobs/abc/targets?state=failed")).JsonAsync();

        Assert.Equal((3, 2), (first.GetProperty("targets").GetArrayLength(), second.GetProperty("targets").GetArrayLength()));
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next").ValueKind);
        Assert.Equal(["n1", "n3"], Identities(failed.GetProperty("targets")));
        await (await api.GetAsync("/v1/jobs/none/targets")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-job");
        await (await api.GetAsync("/v1/jobs/abc/targets?limit=20001")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Fact]
    public async Task Results_AreFiltered_ByTheReply()
    {
        var job = api.Grains.Jobs.Add("abc");
        job.Say("n1", TargetState.Succeeded, data: """{ "os": { "major": 11 } }""");
        job.Say("n2", TargetState.Succeeded, data: """{ "os": { "major": 12 } }""");
        job.Say("n3", TargetState.Failed, 1, "disk full");
        job.Say("n4", TargetState.TimedOut, null, "no reply", null);

        Assert.Equal(["n1"], await SendersAsync("data('os.major') < 12"));
        Assert.Equal(["n3"], await SendersAsync("not ok() and msg =~ /disk/"));
        Assert.Equal(["n3", "n4"], await SendersAsync("!ok()"));
        await (await api.GetAsync("/v1/jobs/abc/results?reply=nope()")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        await (await api.GetAsync("/v1/jobs/none/results")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-job");
        await (await api.GetAsync("/v1/jobs/abc/results?format=xml")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    [Theory]
    [InlineData("/v1/jobs/abc/results?format=jsonl", null)]
    [InlineData("/v1/jobs/abc/results", "application/x-ndjson")]
    public async Task Results_AreGivenWhole_AsLinesOfJson(string path, string? accept)
    {
        var job = api.Grains.Jobs.Add("abc");
        Enumerable.Range(0, 2500).ToList().ForEach(number => job.Say($"n{number}", TargetState.Succeeded, data: "{\"a\":\"1\\n2\"}"));

        var lines = (await TextAsync(path, accept, "application/x-ndjson")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(2500, lines.Length);
        Assert.Equal("n2499", JsonDocument.Parse(lines[^1]).RootElement.GetProperty("identity").GetString());
    }

    [Theory]
    [InlineData("/v1/jobs/abc/results?format=csv&state=failed", null)]
    [InlineData("/v1/jobs/abc/results?state=failed", "text/csv, application/json;q=0.1")]
    public async Task Results_AreGivenWhole_AsCsv_InWhichNothingIsAFormula(string path, string? accept)
    {
        var job = api.Grains.Jobs.Add("abc");
        job.Say("n1", TargetState.Succeeded);
        job.Say("n2", TargetState.Failed, 1, "=cmd|' /C calc'!A1, \"x\"", """{"a":"b"}""");
        job.Say("n3", TargetState.Failed, null, "two\nlines", null);

        var text = await TextAsync(path, accept, "text/csv");

        Assert.Equal(
            "identity,overlay,attempt,state,code,message,at,late,data\r\n"
            + "n2,eu-1,1,failed,1,\"'=cmd|' /C calc'!A1, \"\"x\"\"\",1970-01-01T00:00:00.0000000Z,false,\"{\"\"a\"\":\"\"b\"\"}\"\r\n"
            + "n3,eu-1,1,failed,,\"two\nlines\",1970-01-01T00:00:00.0000000Z,false,\r\n",
            text);
    }

    [Fact]
    public async Task Watch_SaysHowItStands_AndWhatChanges()
    {
        var job = api.Grains.Jobs.Add("abc");
        var reading = ReadAsync("/v1/jobs/abc:watch", lastEventId: null, count: 2);
        await job.AwaitedAsync();

        job.Become(job.Snapshot with { State = JobState.Paused });

        var events = await reading;
        Assert.Equal([("job", "1"), ("job", "2")], events.Select(one => (one.EventType, one.EventId)));
        Assert.Contains("\"state\":\"paused\"", events[1].Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/jobs/abc:watch", "1")]
    [InlineData("/v1/jobs/abc:watch?after=1", null)]
    public async Task Watch_GoesOn_FromTheLastEvent(string path, string? lastEventId)
    {
        var job = api.Grains.Jobs.Add("abc");
        var reading = ReadAsync(path, lastEventId, count: 1);
        await job.AwaitedAsync();

        job.Become(job.Snapshot with { State = JobState.Paused });

        Assert.Equal("2", Assert.Single(await reading).EventId);
        await (await api.GetAsync("/v1/jobs/none:watch")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-job");
        await (await api.GetAsync("/v1/jobs/abc:watch?after=x")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
    }

    private Task<HttpResponseMessage> SubmitAsync(string body, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Idempotency-Key", key);
        return api.Http.SendAsync(request, Cancelled);
    }

    private async Task<List<string?>> IdsAsync(string path)
    {
        var list = await (await api.GetAsync(path)).JsonAsync();
        return [.. list.GetProperty("jobs").EnumerateArray().Select(job => job.GetProperty("id").GetString())];
    }

    private static List<string?> Identities(JsonElement list) =>
        [.. list.EnumerateArray().Select(one => one.GetProperty("identity").GetString())];

    private async Task<List<string?>> SendersAsync(string reply)
    {
        var page = await (await api.GetAsync($"/v1/jobs/abc/results?reply={Uri.EscapeDataString(reply)}")).JsonAsync();
        return Identities(page.GetProperty("results"));
    }

    private async Task<string> TextAsync(string path, string? accept, string contentType)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        using var response = await api.Http.SendAsync(request, Cancelled);
        Assert.Equal(contentType, response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsStringAsync(Cancelled);
    }

    private async Task<List<SseItem<string>>> ReadAsync(string path, string? lastEventId, int count)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        using var response = await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await using var stream = await response.Content.ReadAsStreamAsync(Cancelled);
        var events = new List<SseItem<string>>();
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancelled))
        {
            events.Add(item);
            if (events.Count == count)
            {
                break;
            }
        }

        return events;
    }
}
