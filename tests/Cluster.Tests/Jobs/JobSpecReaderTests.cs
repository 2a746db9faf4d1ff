using System.Text.Json;
using ControlPlane.Api;
using ControlPlane.Jobs;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Jobs;

public sealed class JobSpecReaderTests
{
    private const string Whole = """
        {
          "agent": "puppet", "action": "runonce", "inputs": { "force": true, "tags": ["a"] },
          "repeatable": true, "status": { "agent": "puppet", "action": "status", "inputs": { "x": 1 } }, "executorId": "job",
          "reason": "CHG-1", "mode": "reliable", "priority": "emergency",
          "targets": {
            "filter": "country=uk", "facts": ["os.family=Debian"], "classes": ["role::web"], "agents": ["puppet"], "identities": ["/^web/"],
            "state": "enrolled", "liveness": "alive", "version": "0.29.4",
            "overlays": ["eu-1"], "exclude": ["web9"], "seed": 7, "max": 500
          },
          "stages": [
            { "name": "canary", "size": 50, "min": 5, "perOverlay": true, "concurrency": 10, "ratePerMinute": 60, "ramp": "exponential", "bake": "10m",
              "gate": "webHook", "webHook": "change-board" },
            { "name": "rest" }
          ],
          "thresholds": [
            { "scope": "stage", "states": ["failed", "timedOut"], "percent": 3, "minSample": 10, "then": "pause" },
            { "scope": "overlay", "states": ["unknown"], "count": 5, "then": "pauseOverlay" }
          ],
          "timeouts": { "delivery": "90s", "execution": "1h30m", "stage": "6h", "job": "2d", "unknownGrace": "00:10:00" },
          "retry": { "on": ["failed"], "max": 2, "backoff": "1s", "backoffMax": "1m" },
          "offline": { "policy": "wait", "until": "12h" },
          "window": { "from": "22:00", "to": "04:00", "days": ["monday"], "zone": "Europe/Dublin" },
          "startAt": "2026-12-01T22:00:00+00:00", "after": ["abc"], "requiresApproval": true,
          "notify": { "webHooks": ["chat", "change-board"], "nats": true }
        }
        """;

    private static readonly JsonSerializerOptions Json = MakeJson();

    [Fact]
    public void Read_TakesTheDefaults_ForWhatIsLeftOut()
    {
        var spec = Read("""{ "agent": "rpcutil", "action": "ping", "targets": { "all": true } }""");

        var expected = new JobSpec(new JobAction("rpcutil", "ping"), new JobTargets { Query = NodeQuery.All });
        Assert.Equal(Text(JobBodies.Of(expected)), Text(JobBodies.Of(spec)));
        Assert.Equal(NodeQuery.All, spec.Targets.Query);
        Assert.Equal(JobTimeouts.Default, spec.Timeouts);
        Assert.Equal([JobStage.All], spec.Stages);
    }

    [Fact]
    public void Read_TakesEverything()
    {
        var spec = Read(Whole);

        Assert.Equal(("puppet", "runonce"), (spec.Action.Agent, spec.Action.Name));
        Assert.Equal((true, "job"), (spec.Action.IsRepeatable, spec.Action.ExecutorId));
        Assert.Equal("""{"force":true,"tags":["a"]}""", spec.Action.InputsJson);
        Assert.Equal(new JobStatusAction("puppet", "status", """{"x":1}"""), spec.Action.Status);
        Assert.Equal(("CHG-1", JobMode.Reliable, JobPriority.Emergency), (spec.Reason, spec.Mode, spec.Priority));
        Assert.Equal(("country=uk", NodeStage.Enrolled), (spec.Targets.Query?.Filter, spec.Targets.Query?.Stage));
        Assert.Equal(["/^web/"], spec.Targets.Query!.Identities);
        Assert.Equal((7, 500), (spec.Targets.Seed, spec.Targets.Max));
        Assert.Equal(
            new JobStage("canary", "50")
            {
                Min = 5, PerOverlay = true, Concurrency = 10, RatePerMinute = 60, Ramp = JobRamp.Exponential,
                Bake = TimeSpan.FromMinutes(10), Gate = JobGate.WebHook, GateWebHook = "change-board",
            },
            spec.Stages[0]);
        Assert.Equal(new JobStage("rest", "100%"), spec.Stages[1]);
        Assert.Equal((3.0, 10, 5), (spec.Thresholds[0].Percent, spec.Thresholds[0].MinSample, spec.Thresholds[1].Count));
        Assert.Equal(
            new JobTimeouts
            {
                Delivery = TimeSpan.FromSeconds(90), Execution = TimeSpan.FromMinutes(90), Stage = TimeSpan.FromHours(6),
                Job = TimeSpan.FromDays(2), UnknownGrace = TimeSpan.FromMinutes(10),
            },
            spec.Timeouts);
        Assert.Equal(new JobOffline(OfflinePolicy.Wait) { Until = TimeSpan.FromHours(12) }, spec.Offline);
        Assert.Equal((new TimeOnly(22, 0), "Europe/Dublin"), (spec.Window!.From, spec.Window.Zone));
        Assert.True(spec.RequiresApproval);
        Assert.True(spec.Notify!.Nats);
        Assert.Equal(["chat", "change-board"], spec.Notify.WebHooks);
    }

    [Theory]
    [InlineData(Whole)]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "identities": ["web1", "web2"] } }""")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "all": true, "identities": ["web1"] } }""")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "broadcast": true, "all": true } }""")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "broadcast": true, "compound": "with('web')", "facts": ["a=b"] } }""")]
    [InlineData("""{ "agent": "a", "action": "b", "targets": { "ofJob": { "job": "abc", "states": ["failed"] } } }""")]
    public void Of_WritesWhatReadsTheSame(string json)
    {
        var spec = Read(json);
        var again = Read(Text(JobBodies.Of(spec)));

        Assert.Equal(Text(spec), Text(again));
    }

    [Fact]
    public void Read_TellsAllFaults_EachWithItsPlace() => Assert.Equal(
        [
            "$.inputs: must be an object of inputs by their names",
            "$.targets: names no nodes; say all: true for all of them",
            "$.stages[1].bake: 'long' is not a duration such as 90s, 10m, 1h30m, 2d or 00:10:00",
            "$.thresholds[0]: needs count or percent, and not both",
            "$.timeouts.execution: '5' is not a duration such as 90s, 10m, 1h30m, 2d or 00:10:00",
            "$.offline.until: '' is not a duration such as 90s, 10m, 1h30m, 2d or 00:10:00",
            "$.window.to: '25:00' is not a time of day such as 22:00",
        ],
        Faults("""
            { "agent": "a", "action": "b", "inputs": [1], "targets": {}, "stages": [{ "name": "x" }, { "name": "y", "bake": "long" }],
              "thresholds": [{ "scope": "job", "states": [], "then": "abort" }], "timeouts": { "execution": "5" },
              "offline": { "policy": "skip", "until": "" }, "window": { "from": "22:00", "to": "25:00" } }
            """));

    [Theory]
    [InlineData("""{ "filter": "a=b", "broadcast": true }""", "$.targets.filter: nodes do not know our expressions")]
    [InlineData("""{ "compound": "a" }""", "$.targets.compound: only nodes evaluate it")]
    [InlineData("""{ "broadcast": true, "version": "1" }""", "$.targets: state, liveness and version are known of the index only")]
    [InlineData("""{ "ofJob": { "job": "x" }, "all": true }""", "$.targets.ofJob: takes the targets of an earlier job")]
    [InlineData("""{ "identities": ["web1", "a b"] }""", "$.targets.identities[1]: an identity is")]
    public void Read_RefusesTargetsThatSayTwoThings(string targets, string fault) => Assert.StartsWith(
        fault, Assert.Single(Faults($$"""{ "agent": "a", "action": "b", "targets": {{targets}} }""")), StringComparison.Ordinal);

    [Theory]
    [InlineData("0s", 0)]
    [InlineData("250ms", 0.25)]
    [InlineData("90s", 90)]
    [InlineData("1m30s", 90)]
    [InlineData("2d", 172_800)]
    [InlineData("1d2h3m4s5ms", 93_784.005)]
    [InlineData("00:01:30", 90)]
    public void TryRead_TakesADuration_AndWriteGivesItBack(string text, double seconds)
    {
        Assert.True(Durations.TryRead(text, out var duration));
        Assert.Equal(TimeSpan.FromMilliseconds(seconds * 1000), duration);
        Assert.True(Durations.TryRead(Durations.Write(duration), out var again));
        Assert.Equal(duration, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("10")]
    [InlineData("10x")]
    [InlineData("10m ")]
    [InlineData("-10m")]
    [InlineData("1.5h")]
    [InlineData("-00:01:00")]
    [InlineData("99999999999999999999s")]
    [InlineData("999999999999s")]
    [InlineData("2000000000d")]
    [InlineData("9000000d9000000d")]
    [InlineData("1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s1s")]
    public void TryRead_RefusesWhatIsNoDuration(string text) => Assert.False(Durations.TryRead(text, out _));

    private static JobSpec Read(string json)
    {
        var (spec, faults) = JobSpecReader.Read(JsonSerializer.Deserialize<JobBody>(json, Json)!);
        Assert.Empty(faults);
        return spec!;
    }

    private static IReadOnlyList<string> Faults(string json) =>
        JobSpecReader.Read(JsonSerializer.Deserialize<JobBody>(json, Json)!).Faults;

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, Json);

    private static JsonSerializerOptions MakeJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        ApiEndpoints.Write(json);
        return json;
    }
}
