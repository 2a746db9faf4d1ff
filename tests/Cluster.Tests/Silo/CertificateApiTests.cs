using System.Net;
using ControlPlane.Certificates;

namespace ControlPlane.Cluster.Tests.Silo;

public sealed class CertificateApiTests : IAsyncLifetime
{
    private ApiHost api = null!;

    public async ValueTask InitializeAsync() => api = await ApiHost.StartAsync();

    public ValueTask DisposeAsync() => api.DisposeAsync();

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(100)]
    public async Task List_GivesEveryOrderOnce_WhateverThePage(int limit)
    {
        api.Grains.Certificates.AddRange(Enumerable.Range(10, 20).Select(number => Record($"web{number}")));
        var found = new List<string>();
        for (var cursor = ""; cursor is not null;)
        {
            var page = await (await api.GetAsync($"/v1/certificates?issuer=local&limit={limit}&cursor={cursor}")).JsonAsync();
            found.AddRange(page.GetProperty("certificates").EnumerateArray().Select(one => one.GetProperty("identity").GetString()!));
            cursor = page.GetProperty("nextCursor").GetString();
        }

        Assert.Equal(api.Grains.Certificates.Select(one => one.Identity), found);
    }

    [Theory]
    [InlineData("/v1/certificates?issuer=local&limit=0")]
    [InlineData("/v1/certificates?issuer=local&limit=1001")]
    [InlineData("/v1/certificates?issuer=local&state=2")]
    [InlineData("/v1/certificates?issuer=local&state=lost")]
    [InlineData("/v1/certificates?issuer=local&cursor=abc")]
    [InlineData("/v1/certificates")]
    [InlineData("/v1/nodes/*/certificates")]
    [InlineData("/v1/issuers/local/history/32")]
    [InlineData("/v1/issuers/local/history/0?after=-1")]
    public async Task Read_SaysWhatIsMalformed(string path) =>
        await (await api.GetAsync(path)).AssertProblemAsync(HttpStatusCode.BadRequest, "malformed-request");

    [Theory]
    [InlineData("/v1/certificates?issuer=nobody", "unknown-issuer")]
    [InlineData("/v1/issuers/nobody/history/0", "unknown-issuer")]
    [InlineData("/v1/issuers/nobody/crl", "unknown-revocation-list")]
    [InlineData("/v1/issuers/local/crl?index=2", "unknown-revocation-list")]
    public async Task Read_SaysWhatThereIsNot(string path, string problem) =>
        await (await api.GetAsync(path)).AssertProblemAsync(HttpStatusCode.NotFound, problem);

    [Fact]
    public async Task ListOfNode_GivesItsLineage()
    {
        api.Grains.Certificates.AddRange([Record("web1"), Record("web2")]);

        var lineage = await (await api.GetAsync("/v1/nodes/web1/certificates")).JsonAsync();

        var one = Assert.Single(lineage.EnumerateArray());
        Assert.Equal(("issued", "0A"), (one.GetProperty("state").GetString(), one.GetProperty("serialNumber").GetString()));
    }

    [Fact]
    public async Task Revoke_AsksForWhatTheCallerSaid_AndGivesTheRecord()
    {
        api.Grains.Revoke = () => new CertificateRevocation.Due(Record("web1") with { State = LedgerState.RevocationDue });

        var answer = await api.PostAsync(
            "/v1/certificates/local/0a:revoke", """{"reason":"keyCompromise","explanation":" stolen laptop "}""");

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal("revocationDue", (await answer.JsonAsync()).GetProperty("state").GetString());
        var asked = api.Grains.LastRevocation!;
        Assert.Equal(
            ("local", "A", RevocationReason.KeyCompromise, "stolen laptop"), (
                asked.Issuer, asked.SerialNumber, asked.Reason, asked.Explanation));
    }

    [Theory]
    [InlineData("zz", """{"reason":"superseded","explanation":"x"}""")]
    [InlineData("0a", """{"reason":"superseded","explanation":" "}""")]
    [InlineData("0a", """{"reason":"bored","explanation":"x"}""")]
    [InlineData("0a", """{"explanation":"x"}""")]
    public async Task Revoke_SaysWhatIsMalformed(string serial, string body) =>
        await (await api.PostAsync($"/v1/certificates/local/{serial}:revoke", body)).AssertProblemAsync(
            HttpStatusCode.BadRequest, "malformed-request");

    [Fact]
    public async Task Revoke_SaysWhatIsUnknown_AndWhatIsImpossible()
    {
        const string body = """{"reason":"superseded","explanation":"x"}""";
        await (await api.PostAsync("/v1/certificates/local/0a:revoke", body)).AssertProblemAsync(
            HttpStatusCode.NotFound, "unknown-certificate");

        api.Grains.Revoke = () => new CertificateRevocation.Impossible("'azure' cannot revoke");
        await (await api.PostAsync("/v1/certificates/azure/0a:revoke", body)).AssertProblemAsync(
            HttpStatusCode.Conflict, "issuer-cannot-revoke");
    }

    [Fact]
    public async Task RevocationList_IsGivenToAnyone_AsItIs()
    {
        await using var guarded = await ApiHost.StartAsync(("Access:Tokens:Files:0", TokenFile()));

        var denied = await guarded.GetAsync("/v1/issuers");
        var list = await guarded.GetAsync("/v1/issuers/local/crl?index=1");

        Assert.Equal(HttpStatusCode.Unauthorized, denied.StatusCode);
        Assert.Equal("application/pkix-crl", list.Content.Headers.ContentType?.MediaType);
        Assert.Equal([48, 2], await list.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task History_ShowsRecordsAndFaults()
    {
        var history = await (await api.GetAsync("/v1/issuers/local/history/3")).JsonAsync();

        Assert.Equal("{}", history.GetProperty("records")[0].GetProperty("body").GetString());
        Assert.Equal(2, history.GetProperty("head").GetProperty("sequence").GetInt64());
        Assert.Single(history.GetProperty("faults").EnumerateArray());
    }

    private static string TokenFile()
    {
        var path = Path.GetTempFileName();
        File.WriteAllText(path, "alice 0123456789abcdefghijklmnop\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    private static CertificateRecord Record(string identity) => new(
        $"{identity}/1", identity, LedgerState.Issued, DateTimeOffset.UnixEpoch, "local", "0A", null, null, "f00d", "beef", null, null);
}
