using System.Net;
using ControlPlane.Console;
using ControlPlane.Nodes;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class ConsoleTests : IAsyncLifetime
{
    private const string Hostile = "<img src=x onerror=\"alert('1')\">&amp;";

    private ApiHost _api = null!;

    public async ValueTask InitializeAsync() => _api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Theory]
    [InlineData("/")]
    [InlineData("/nodes")]
    [InlineData("/nodes/web1.example.net")]
    public async Task APage_ShowsWhatANodeSays_AsTextOnly(string path)
    {
        _api.Grains.Add("web1.example.net", NodeStage.Quarantined, Hostile);

        var page = await UntilAsync(path, "&lt;img src=x onerror=&quot;alert(&#x27;1&#x27;)&quot;&gt;&amp;amp;");

        Assert.DoesNotContain("<img src=x", page);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/nodes")]
    [InlineData("/nodes/unknown.example.net")]
    public async Task APage_MayRunNothingButItsOwnScript(string path)
    {
        var response = await _api.GetAsync(path);
        var policy = response.Headers.GetValues("Content-Security-Policy").Single();

        Assert.Contains("default-src 'none'", policy);
        Assert.Contains("script-src 'self'", policy);
        Assert.DoesNotContain("unsafe", policy);
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain(" style=", page);
        Assert.DoesNotContain("://", page.Replace("http://www.w3.org", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheSearch_LeadsToTheNode_WhenItIsKnown()
    {
        _api.Grains.Add("web1.example.net");

        var response = await _api.GetAsync("/nodes?identity=web1.example.net");

        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Equal("/nodes/web1.example.net", response.Headers.Location?.ToString());
    }

    [Fact]
    public async Task TheSearch_ShowsWhatComesAfter_WhenItIsNotKnown()
    {
        _api.Grains.Add("a.example.net");
        _api.Grains.Add("web1.example.net");

        var page = await _api.GetTextAsync("/nodes?identity=web");

        Assert.Contains("web1.example.net", page);
        Assert.DoesNotContain("a.example.net", page);
    }

    [Theory]
    [InlineData("%22%3E%3Cscript%3Ealert(1)%3C/script%3E")]
    [InlineData("..%2F..%2Fetc")]
    public async Task TheSearch_ShowsWhatWasSought_AsTextOnly(string sought) =>
        Assert.DoesNotContain("<script>", await _api.GetTextAsync($"/nodes?identity={sought}"));

    [Fact]
    public async Task ANode_ShowsItsHistory_NewestFirst()
    {
        _api.Grains.Add("web1.example.net");

        var page = await _api.GetTextAsync("/nodes/web1.example.net");
        var history = page[page.IndexOf("history-title", StringComparison.Ordinal)..];

        Assert.True(history.IndexOf("Enrolled", StringComparison.Ordinal) < history.IndexOf("Discovered", StringComparison.Ordinal));
    }

    [Fact]
    public void Of_EscapesEveryValue_ButMarkup()
    {
        var inner = Html.Of($"<b>{"<i>"}</b>");

        Assert.Equal("<p><b>&lt;i&gt;</b> 1,234 &quot;</p>", Html.Of($"<p>{inner} {1234:N0} {'"'}</p>").Markup);
    }

    private async Task<string> UntilAsync(string path, string text)
    {
        var page = "";
        await TestKit.Readiness.UntilAsync(
            async _ => (page = await _api.GetTextAsync(path)).Contains(text, StringComparison.Ordinal),
            $"{path} shows the node",
            TestContext.Current.CancellationToken,
            () => page);
        return page;
    }
}
