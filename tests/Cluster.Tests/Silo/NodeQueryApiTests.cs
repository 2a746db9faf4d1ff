using System.Net;
using System.Net.ServerSentEvents;
using ControlPlane.Fleet;
using ControlPlane.Nodes;
using ControlPlane.Placement;
using Microsoft.Extensions.DependencyInjection;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class NodeQueryApiTests : IAsyncLifetime
{
    private ApiHost _api = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await ApiHost.StartAsync();
        for (var node = 0; node < 50; node++)
        {
            _api.Grains.Say($"web{node:00}", $$"""{"country":"{{(node % 2 == 0 ? "uk" : "de")}}","rank":{{node}}}""");
        }

        _api.Grains.Say("db1", """{"country":"uk"}""", NodeLiveness.Late);
    }

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Theory]
    [InlineData("filter=country%3Duk%20and%20rank%3E45", "web46 web48")]
    [InlineData("fact=country%3Duk&fact=rank%3C%3D2", "web00 web02")]
    [InlineData("liveness=late", "db1")]
    [InlineData("identity=%2F%5Edb%2F", "db1")]
    [InlineData("class=role::web&agent=rpcutil&identity=web01&identity=web03", "web01 web03")]
    [InlineData("version=9.9", "")]
    [InlineData("overlay=elsewhere", "")]
    public async Task List_FindsNodes(string search, string expected)
    {
        var page = await (await _api.GetAsync($"/v1/nodes?{search}")).JsonAsync();

        Assert.Equal(
            expected, string.Join(
                ' ', page.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("identity").GetString())));
        Assert.Equal(expected.Length == 0 ? 0 : expected.Split(' ').Length, page.GetProperty("matched").GetInt32());
    }

    [Fact]
    public async Task List_PagesThroughWhatItFinds()
    {
        var (found, cursor) = (new List<string>(), (string?)null);
        do
        {
            var page = await (await _api.GetAsync($"/v1/nodes?filter=country%3Duk&limit=4&cursor={cursor}")).JsonAsync();
            found.AddRange(page.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("identity").GetString()!));
            cursor = page.GetProperty("nextCursor").GetString();
        }
        while (cursor is not null);

        Assert.Equal(_api.Grains.Roster.Keys.Where(node => node == "db1" || (node[^1] - '0') % 2 == 0), found);
    }

    [Theory]
    [InlineData("/v1/nodes?filter=country%3D")]
    [InlineData("/v1/nodes?filter=(a")]
    [InlineData("/v1/nodes?fact=nothing")]
    [InlineData("/v1/nodes?identity=%2F(%2F")]
    [InlineData("/v1/nodes?liveness=wellish")]
    [InlineData("/v1/nodes?liveness=1")]
    [InlineData("/v1/facts/country:count?limit=0")]
    [InlineData("/v1/nodes:watch?cursor=x")]
    public async Task AQueryThatMakesNoSense_IsRefusedWithTheReason(string path) =>
        await (await _api.GetAsync(path)).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Fact]
    public async Task Count_CountsTheValuesOfAFact()
    {
        var counts = await (await _api.GetAsync("/v1/facts/country:count?limit=1")).JsonAsync();

        var value = Assert.Single(counts.GetProperty("values").EnumerateArray());
        Assert.Equal(("\"uk\"", 26), (value.GetProperty("value").GetString(), value.GetProperty("nodes").GetInt32()));
        Assert.Equal((25, 0), (counts.GetProperty("others").GetInt32(), counts.GetProperty("missing").GetInt32()));
    }

    [Fact]
    public async Task Inventory_ShowsWhatANodeSaid()
    {
        var shown = await (await _api.GetAsync("/v1/nodes/db1/inventory")).JsonAsync();

        Assert.Equal("uk", shown.GetProperty("facts").GetProperty("country").GetString());
        await (await _api.GetAsync("/v1/nodes/unheard/inventory")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-inventory");
    }

    [Fact]
    public async Task Watch_SaysWhereItBegins_WhatChanges_AndWhatWasMissed()
    {
        var node = _api.Grains.Roster["db1"];
        _api.Grains.Feed.Say(new FeedRead.Changes([], 41));
        _api.Grains.Feed.Say(new FeedRead.Changes([new ChangeBatch(42, [new NodeChange(node, "digest")])], 42));
        _api.Grains.Feed.Say(new FeedRead.TooOld(99));

        var events = await ReadAsync("/v1/nodes:watch", lastEventId: null, count: 3);

        Assert.Equal([("position", "41"), ("changes", "42"), ("too-old", "99")], events.Select(one => (one.EventType, one.EventId)));
        Assert.Contains("\"identity\":\"db1\"", events[1].Data, StringComparison.Ordinal);
        Assert.Equal([null, 41ul, 42ul], _api.Grains.Feed.Asked.Take(3));
    }

    [Theory]
    [InlineData("/v1/nodes:watch", "7")]
    [InlineData("/v1/nodes:watch?cursor=7", null)]
    public async Task Watch_GoesOnFromTheCursor(string path, string? lastEventId)
    {
        _api.Grains.Feed.Say(new FeedRead.Changes([new ChangeBatch(8, [])], 8));

        await ReadAsync(path, lastEventId, count: 1);

        Assert.Equal(7ul, _api.Grains.Feed.Asked.First());
    }

    [Fact]
    public async Task Watch_RefusesWhoIsTooMany_AndTheirPlacesAreFreeAgain()
    {
        const int tooMany = 8;
        await using var api = await ApiHost.StartAsync(services => services.AddSingleton<INodeChangeFeed>(new QuietFeed()));
        var answers = await Task.WhenAll(Enumerable.Range(0, WatcherLimit.Max + tooMany).Select(_ => OpenAsync(api)));

        Assert.Equal(tooMany, answers.Count(answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable));
        Array.ForEach(answers, answer => answer.Dispose());

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        deadline.CancelAfter(TimeSpan.FromMinutes(3));
        for (var again = HttpStatusCode.ServiceUnavailable; again != HttpStatusCode.OK;)
        {
            using var answer = await OpenAsync(api);
            again = answer.StatusCode;
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }

    private static Task<HttpResponseMessage> OpenAsync(ApiHost api) =>
        api.Http.GetAsync("/v1/nodes:watch", HttpCompletionOption.ResponseHeadersRead, Cancelled);

    private async Task<List<SseItem<string>>> ReadAsync(string path, string? lastEventId, int count)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId);
        }

        using var response = await _api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
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

    /// <summary>Says where it is, and nothing more.</summary>
    private sealed class QuietFeed : INodeChangeFeed
    {
        public async ValueTask<FeedRead> ReadAsync(ulong? after, int batchesMax, CancellationToken cancellationToken)
        {
            if (after is not null)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return new FeedRead.Changes([], 1);
        }
    }
}
