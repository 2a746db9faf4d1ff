using System.Net;
using System.Text;
using ControlPlane.Cluster.Tests.Silo;
using ControlPlane.Commands;
using ControlPlane.TestKit;
using ControlPlane.TestKit.Access;
using NATS.Client.Core;

namespace ControlPlane.Cluster.Tests.DeadLetters;

/// <summary>Dead letters over HTTP and on the command line, of a real silo and a real nats-server.</summary>
public sealed class DeadLetterApiTests(DeadLetterCluster cluster) : IClassFixture<DeadLetterCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_ShowsTheMessageAsItWas_WithWhyItDied()
    {
        var id = await cluster.DieAsync("shown", Cancelled);

        var content = await (await cluster.Api.GetAsync(One(id))).JsonAsync();

        var letter = content.GetProperty("letter");
        Assert.Equal("events.x", letter.GetProperty("subject").GetString());
        Assert.Equal(DeadLetterCluster.Reason, letter.GetProperty("reason").GetString());
        Assert.Equal("test", content.GetProperty("headers").GetProperty("Origin").GetString());
        Assert.Equal("shown", Encoding.UTF8.GetString(content.GetProperty("payload").GetBytesFromBase64()));
    }

    [Fact]
    public async Task List_GoesOnAfterTheLastOne()
    {
        await cluster.DieAsync("first", Cancelled);
        await cluster.DieAsync("second", Cancelled);
        var listed = new List<ulong>();
        ulong? after = 0;
        while (after is not null)
        {
            var page = await (await cluster.Api.GetAsync($"/v1/deadletters/{DeadLetterCluster.Source}?limit=1&after={after}")).JsonAsync();
            listed.AddRange(page.GetProperty("letters").EnumerateArray().Select(letter => letter.GetProperty("id").GetUInt64()));
            after = page.TryGetProperty("nextAfter", out var next) && next.ValueKind is System.Text.Json.JsonValueKind.Number
                ? next.GetUInt64()
                : null;
        }

        var all = await (await cluster.Api.GetAsync($"/v1/deadletters/{DeadLetterCluster.Source}")).JsonAsync();
        Assert.Equal(all.GetProperty("letters").EnumerateArray().Select(letter => letter.GetProperty("id").GetUInt64()), listed);
        Assert.True(listed.Count >= 2);
    }

    [Fact]
    public async Task Replay_PublishesItOnceMore_AndRemovesIt()
    {
        var id = await cluster.DieAsync("replayed", Cancelled);
        await using var heard = await cluster.Connection.SubscribeCoreAsync<string>("events.x", cancellationToken: Cancelled);
        await cluster.Connection.PingAsync(Cancelled);

        var replayed = await cluster.Api.PostAsync($"{One(id)}:replay", "{}");
        var again = await cluster.Api.PostAsync($"{One(id)}:replay", "{}");

        Assert.Equal(HttpStatusCode.NoContent, replayed.StatusCode);
        await again.AssertProblemAsync(HttpStatusCode.NotFound, "unknown-dead-letter");
        Assert.Equal("replayed", (await heard.Msgs.ReadAsync(Cancelled)).Data);
        await Readiness.UntilAsync(async _ => await cluster.FindAsync("replayed") > id, "it died anew", Cancelled);
    }

    [Fact]
    public async Task Drop_RemovesItForGood()
    {
        var id = await cluster.DieAsync("dropped", Cancelled);

        Assert.Equal(HttpStatusCode.NoContent, (await cluster.Api.PostAsync($"{One(id)}:drop", "{}")).StatusCode);

        await (await cluster.Api.GetAsync(One(id))).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-dead-letter");
    }

    [Fact]
    public async Task Drop_RecordsWhy_WhereItIsSaid()
    {
        var (id, other) = (await cluster.DieAsync("reasoned", Cancelled), await cluster.DieAsync("unreasoned", Cancelled));
        var tooLong = await cluster.Api.PostAsync($"{One(id)}:drop", $$"""{"reason":"{{new string('x', 201)}}"}""");
        await tooLong.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

        Assert.Equal(HttpStatusCode.NoContent, (await cluster.Api.PostAsync($"{One(id)}:drop", """{"reason":"CHG-7"}""")).StatusCode);
        using var without = await cluster.Api.Http.PostAsync($"{One(other)}:drop", content: null, Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, without.StatusCode);

        await Readiness.UntilAsync(
            async _ => (await cluster.Api.Audit.RecordsAsync(Cancelled)).Any(record => record.Reason == "CHG-7"),
            "the reason is recorded",
            Cancelled);
    }

    [Theory]
    [InlineData("/v1/deadletters/nowhere", HttpStatusCode.NotFound, "unknown-queue")]
    [InlineData("/v1/deadletters/nowhere/1", HttpStatusCode.NotFound, "unknown-queue")]
    [InlineData("/v1/deadletters/eu-1/999999", HttpStatusCode.NotFound, "unknown-dead-letter")]
    [InlineData("/v1/deadletters/eu-1/first", HttpStatusCode.BadRequest, "malformed-request")]
    [InlineData("/v1/deadletters/eu-1?limit=0", HttpStatusCode.BadRequest, "malformed-request")]
    [InlineData("/v1/deadletters/eu-1?limit=1001", HttpStatusCode.BadRequest, "malformed-request")]
    public async Task Get_SaysWhatIsWrong(string path, HttpStatusCode status, string problem) =>
        await (await cluster.Api.GetAsync(path)).AssertProblemAsync(status, problem);

    [Fact]
    public async Task Get_Is503_WhileTheBrokerDoesNotAnswer()
    {
        var id = await cluster.DieAsync("waiting", Cancelled);
        cluster.Server.Pause();
        try
        {
            var response = await cluster.Api.GetAsync(One(id));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.NotNull(response.Headers.RetryAfter);
        }
        finally
        {
            cluster.Server.Continue();
        }

        await Readiness.UntilAsync(
            async _ => (await cluster.Api.GetAsync(One(id))).StatusCode == HttpStatusCode.OK, "the broker to answer again", Cancelled);
    }

    [Fact]
    public async Task Commands_ListShowReplayAndDrop()
    {
        var id = await cluster.DieAsync("by command", Cancelled);

        var (_, list, _) = await RunAsync("list");
        Assert.Matches($@"(?m)^eu-1 +{id} +\S+ +events\.x +10 +{DeadLetterCluster.Reason}$", list);
        var (_, shown, _) = await RunAsync("show", "eu-1", $"{id}");
        Assert.Contains("by command", shown, StringComparison.Ordinal);
        Assert.Contains("Origin: test", shown, StringComparison.Ordinal);

        Assert.Equal((ExitCodes.Done, "published again\n", ""), await RunAsync("replay", "eu-1", $"{id}"));
        ulong anew = 0;
        await Readiness.UntilAsync(async _ => (anew = await cluster.FindAsync("by command")) > id, "it died anew", Cancelled);
        Assert.Equal((ExitCodes.Done, "removed\n", ""), await RunAsync("drop", "eu-1", $"{anew}"));
        var (exitCode, _, error) = await RunAsync("drop", "eu-1", $"{anew}");
        Assert.Equal(ExitCodes.Refused, exitCode);
        Assert.Contains("has no dead letter", error, StringComparison.Ordinal);
    }

    private static string One(ulong id) => $"/v1/deadletters/{DeadLetterCluster.Source}/{id}";

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] args)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync(["deadletter", .. args, "--url", cluster.Api.Url.ToString()], output, error);
        return (exitCode, output.ToString(), error.ToString());
    }
}
