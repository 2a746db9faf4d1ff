using System.Net;
using ControlPlane.Certificates;
using ControlPlane.Fleet;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class NodeApiTests : IAsyncLifetime
{
    private ApiHost _api = null!;

    public async ValueTask InitializeAsync() => _api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    [InlineData(1000)]
    public async Task List_GivesEveryNodeOnceInOrder_WhateverThePage(int limit)
    {
        var identities = Enumerable.Range(0, 300).Select(index => $"web{index}.example.net").ToList();
        identities.ForEach(identity => _api.Grains.Add(identity));

        Assert.Equal(identities.Order(StringComparer.Ordinal), await WalkAsync($"/v1/nodes?limit={limit}"));
    }

    [Fact]
    public async Task List_GivesEveryNode_WhenOneSliceHoldsThemAll()
    {
        // The other slices are empty, so the one is asked again and again.
        var identities = Enumerable.Range(0, 100_000).Select(index => $"n{index}")
            .Where(one => FleetSlices.NumberOf(one) == 5).Take(200).ToList();
        identities.ForEach(identity => _api.Grains.Add(identity));

        Assert.Equal(identities.Order(StringComparer.Ordinal), await WalkAsync("/v1/nodes?limit=90"));
    }

    [Theory]
    [InlineData("quarantined")]
    [InlineData("Quarantined")]
    public async Task List_GivesOnlyTheStageAskedFor(string state)
    {
        _api.Grains.Add("a.example.net");
        _api.Grains.Add("b.example.net", NodeStage.Quarantined, "the token has expired");

        Assert.Equal(["b.example.net"], await WalkAsync($"/v1/nodes?state={state}"));
    }

    [Fact]
    public async Task List_LeavesOutNothing_WhenNodesComeAndGoBetweenPages()
    {
        new[] { "a", "c", "e" }.ToList().ForEach(identity => _api.Grains.Add(identity));
        var first = await (await _api.GetAsync("/v1/nodes?limit=2")).JsonAsync();

        // The cursor is a place in the order, not a count: the node that it names may be gone.
        _api.Grains.Roster.Remove("c");
        _api.Grains.Add("d");

        Assert.Equal(["d", "e"], await WalkAsync($"/v1/nodes?limit=2&cursor={first.GetProperty("nextCursor").GetString()}"));
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("limit=many")]
    [InlineData("state=asleep")]
    [InlineData("state=10")]
    [InlineData("cursor=!!")]
    [InlineData("cursor=Mi5h")]
    public async Task List_IsRefused_WhenTheQueryIsMalformed(string query) =>
        await (await _api.GetAsync($"/v1/nodes?{query}")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Theory]
    [InlineData("/v1/nodes?limit=many", "parameter limit must be an integer, is 'many'")]
    [InlineData("/v1/nodes?limit=1&limit=2", "parameter limit must be an integer, is '1,2'")]
    [InlineData("/v1/audit?since=yesterday", "parameter since must be a date-time, is 'yesterday'")]
    [InlineData("/v1/audit?denied=perhaps", "parameter denied must be true or false, is 'perhaps'")]
    public async Task AParameterThatCannotBeRead_IsNamed(string path, string fault)
    {
        var answer = await _api.GetAsync(path);

        await answer.AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        Assert.Equal(fault, (await answer.JsonAsync()).GetProperty("detail").GetString(), ignoreCase: true);
    }

    [Fact]
    public async Task Show_GivesTheNodeWithItsHistory()
    {
        _api.Grains.Add("web1.example.net");

        var node = await (await _api.GetAsync("/v1/nodes/web1.example.net")).JsonAsync();

        Assert.Equal("enrolled", node.GetProperty("stage").GetString());
        Assert.Equal("v2", node.GetProperty("protocol").GetString());
        Assert.Equal("capacity", node.GetProperty("placementReason").GetString());
        var history = node.GetProperty("history").EnumerateArray().Select(step => step.GetProperty("stage").GetString());
        Assert.Equal(["discovered", "enrolled"], history);
    }

    [Fact]
    public async Task Show_IsNotFound_WhenNothingIsKnown() =>
        await (await _api.GetAsync("/v1/nodes/web1.example.net")).AssertProblemAsync(HttpStatusCode.NotFound, "unknown-node");

    [Theory]
    [InlineData("web1%20example")]
    [InlineData("-web1")]
    [InlineData("%3Cscript%3E")]
    [InlineData("a%2Fb")]
    public async Task Show_IsRefused_WhenTheIdentityCannotBeOne(string identity) =>
        await (await _api.GetAsync($"/v1/nodes/{identity}")).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Fact]
    public async Task Show_IsRefused_WhenTheIdentityIsTooLong() =>
        await (await _api.GetAsync($"/v1/nodes/{new string('a', NodeIdentity.BytesMax + 1)}"))
            .AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Fact]
    public async Task Reprovision_IsAccepted_AndSaysWhoAskedAndWhy()
    {
        var response = await _api.PostAsync("/v1/nodes/web1.example.net:reprovision", """{"reason": " the disk was replaced "}""");

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("/v1/nodes/web1.example.net", response.Headers.Location?.ToString());
        Assert.Equal(new ReprovisionRequest("the disk was replaced"), _api.Grains.LastReprovision);
    }

    [Fact]
    public async Task Reprovision_IsAConflict_WhenAnEnrolmentRuns() =>
        await AssertReprovisionAsync(
            () => new ReprovisionOutcome.UnderWay(NodeStage.Keyed), HttpStatusCode.Conflict, "enrolment-under-way");

    [Fact]
    public async Task Reprovision_IsNotFound_WhenTheNodeIsUnknown() =>
        await AssertReprovisionAsync(() => new ReprovisionOutcome.UnknownNode(), HttpStatusCode.NotFound, "unknown-node");

    [Fact]
    public async Task Reprovision_IsAConflict_WhenTheNodeIsUnwilling() =>
        await AssertReprovisionAsync(() => new ReprovisionOutcome.NodeUnwilling("silent"), HttpStatusCode.Conflict, "node-unwilling");

    [Fact]
    public async Task Reprovision_IsUnavailable_WhenTheGrainDoesNotAnswer()
    {
        _api.Grains.Reprovision = () => throw new TimeoutException("late");

        var response = await _api.PostAsync("/v1/nodes/web1:reprovision", """{"reason": "x"}""");

        Assert.NotNull(response.Headers.RetryAfter);
        await response.AssertProblemAsync(HttpStatusCode.ServiceUnavailable, "not-answering");
    }

    [Fact]
    public async Task Reprovision_IsABadGateway_WhenTheIssuerRefuses() =>
        await AssertReprovisionAsync(() => throw new IssuerRefusedException("no"), HttpStatusCode.BadGateway, "issuer-refused");

    [Fact]
    public async Task Reprovision_TellsNothing_WhenWeHaveADefect()
    {
        _api.Grains.Reprovision = () => throw new InvalidOperationException("secret detail");

        var response = await _api.PostAsync("/v1/nodes/web1:reprovision", """{"reason": "x"}""");

        Assert.DoesNotContain("secret detail", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        await response.AssertProblemAsync(HttpStatusCode.InternalServerError, "internal");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"reason": ""}""")]
    [InlineData("""{"reason": null}""")]
    [InlineData("""{"reason": "two\nlines"}""")]
    [InlineData("""{"reason": "x", "force": true}""")]
    [InlineData("reason")]
    [InlineData("")]
    public async Task Reprovision_IsRefused_WhenTheBodyIsMalformed(string body)
    {
        await (await _api.PostAsync("/v1/nodes/web1:reprovision", body)).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");
        Assert.Null(_api.Grains.LastReprovision);
    }

    [Fact]
    public async Task Reprovision_IsRefused_WhenTheReasonIsTooLong() =>
        await (await _api.PostAsync("/v1/nodes/web1:reprovision", $$"""{"reason": "{{new string('x', 201)}}"}"""))
            .AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Fact]
    public async Task Reprovision_IsRefused_WhenTheBodyIsTooLarge() =>
        await (await _api.PostAsync("/v1/nodes/web1:reprovision", new string(' ', 70_000)))
            .AssertProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload-too-large");

    [Fact]
    public async Task Reprovision_IsRefused_WhenAFormOfAnotherSiteSendsIt() =>
        await (await _api.PostAsync("/v1/nodes/web1:reprovision", """{"reason": "x"}""", "text/plain"))
            .AssertProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");

    [Fact]
    public async Task Decommission_IsAccepted_AndSaysWhoAskedAndWhy()
    {
        _api.Grains.Add("web1.example.net");

        var response = await _api.PostAsync("/v1/nodes/web1.example.net:decommission", """{"reason": " sold "}""");

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(new DecommissionRequest("sold"), _api.Grains.LastDecommission);
        Assert.Equal(
            "{\"isShutDown\":true,\"shutdown\":\"it shuts down\",\"remaining\":[\"its server token is valid\"]}",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Decommission_IsNotFound_WhenTheNodeIsUnknown() =>
        await (await _api.PostAsync("/v1/nodes/web1.example.net:decommission", """{"reason": "sold"}"""))
            .AssertProblemAsync(HttpStatusCode.NotFound, "unknown-node");

    [Theory]
    [InlineData("""{"reason": ""}""")]
    [InlineData("""{"reason": "two\nlines"}""")]
    [InlineData("{}")]
    public async Task Decommission_IsRefused_WhenTheBodyIsMalformed(string body)
    {
        await (await _api.PostAsync("/v1/nodes/web1:decommission", body)).AssertProblemAsync(
            HttpStatusCode.BadRequest, "malformed-request");
        Assert.Null(_api.Grains.LastDecommission);
    }

    [Fact]
    public async Task Summary_CountsEveryStage_AndShowsTheRefused()
    {
        _api.Grains.Add("a");
        _api.Grains.Add("b", NodeStage.Silent);
        _api.Grains.Add("c", NodeStage.Quarantined, "the token has expired");

        await TestKit.Readiness.UntilAsync(
            async _ => (await SummaryAsync()).GetProperty("total").GetInt32() == 3,
            "three nodes are counted",
            TestContext.Current.CancellationToken);
        var summary = await SummaryAsync();

        Assert.Equal(1, summary.GetProperty("stages").GetProperty("enrolled").GetInt32());
        Assert.Equal(0, summary.GetProperty("stages").GetProperty("gone").GetInt32());
        Assert.Equal("the token has expired", summary.GetProperty("refused")[0].GetProperty("reason").GetString());
        Assert.Equal(FakeGrains.Overlay, summary.GetProperty("overlays")[0].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Overlays_AreListed()
    {
        var overlay = Assert.Single((await (await _api.GetAsync("/v1/overlays")).JsonAsync()).EnumerateArray());

        Assert.Equal("active", overlay.GetProperty("state").GetString());
        Assert.Equal(20_000, overlay.GetProperty("hardLimit").GetInt32());
    }

    private async Task<System.Text.Json.JsonElement> SummaryAsync() => await (await _api.GetAsync("/v1/summary")).JsonAsync();

    private async Task AssertReprovisionAsync(Func<ReprovisionOutcome> outcome, HttpStatusCode status, string problem)
    {
        _api.Grains.Reprovision = outcome;
        await (await _api.PostAsync("/v1/nodes/web1.example.net:reprovision", """{"reason": "x"}""")).AssertProblemAsync(status, problem);
    }

    private async Task<List<string>> WalkAsync(string path)
    {
        var identities = new List<string>();
        for (string? cursor = null, separator = "&"; ;)
        {
            var page = await (await _api.GetAsync(cursor is null ? path : $"{path}{separator}cursor={cursor}")).JsonAsync();
            identities.AddRange(page.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("identity").GetString()!));
            cursor = page.GetProperty("nextCursor").GetString();
            if (cursor is null)
            {
                return identities;
            }
        }
    }
}
