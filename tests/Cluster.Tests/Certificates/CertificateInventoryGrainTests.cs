using System.Text;
using ControlPlane.Certificates;
using ControlPlane.Store;
using ControlPlane.TestKit;

namespace ControlPlane.Cluster.Tests.Certificates;

public sealed class CertificateInventoryGrainTests(IssuanceCluster cluster) : IClassFixture<IssuanceCluster>
{
    private static int lastNode;

    private readonly string identity = $"db{Interlocked.Increment(ref lastNode)}.example.net";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ListOfNode_GivesEveryOrderOfIt_WithWhatBecameOfIt()
    {
        var first = await Issue(1);
        await cluster.Grain(IssuanceCluster.Scripted, identity).Close(first.OrderId, RevocationReason.Superseded, Cancel);
        var second = await Issue(2);

        var lineage = await cluster.Inventory.ListOfNode(identity, Cancel);

        Assert.Equal([second.SerialNumber, first.SerialNumber], lineage.Select(one => one.SerialNumber));
        Assert.Equal(LedgerState.Issued, lineage[0].State);
        Assert.Equal(64, lineage[0].CertificateFingerprint!.Length);
        Assert.True(lineage[1].State is LedgerState.RevocationDue or LedgerState.Closed);
        Assert.Contains(IssuanceCluster.Scripted, await cluster.Inventory.ListIssuers());
    }

    [Fact]
    public async Task Revoke_EndsAtTheCa_WithTheReasonAndWhoAsked()
    {
        var certificate = await Issue(1);
        var request = new CertificateRevocationRequest(
            IssuanceCluster.Scripted, certificate.SerialNumber, RevocationReason.KeyCompromise, "stolen");

        Assert.IsType<CertificateRevocation.Due>(await cluster.Inventory.Revoke(request, Cancel));

        await ControlPlane.TestKit.Readiness.UntilAsync(
            async token => (await cluster.Inventory.ListOfNode(identity, token))[0].State == LedgerState.Closed, "revocation", Cancel);
        Assert.Equal(RevocationReason.KeyCompromise, cluster.Issuer.Revoked[certificate.SerialNumber]);
        Assert.Contains("system: stolen", (await cluster.Inventory.ListOfNode(identity, Cancel))[0].Detail, StringComparison.Ordinal);
        Assert.IsType<CertificateRevocation.Due>(await cluster.Inventory.Revoke(request, Cancel));
    }

    [Fact]
    public async Task Revoke_SaysWhatItCannot()
    {
        var request = new CertificateRevocationRequest(IssuanceCluster.Scripted, "BAD", RevocationReason.Superseded, "x");

        Assert.IsType<CertificateRevocation.UnknownCertificate>(await cluster.Inventory.Revoke(request, Cancel));
        Assert.IsType<CertificateRevocation.Impossible>(await cluster.Inventory.Revoke(request with { Issuer = "nobody" }, Cancel));
    }

    [Fact]
    public async Task GetRevocationLists_GivesThoseOfAnIssuerThatPublishes()
    {
        Assert.NotEmpty((await cluster.Inventory.GetRevocationLists(IssuanceCluster.Embedded, Cancel))!);
        Assert.Null(await cluster.Inventory.GetRevocationLists(IssuanceCluster.Scripted, Cancel));
    }

    [Fact]
    public async Task GetHistory_IsUnbroken_WhateverHappened()
    {
        await Issue(1);
        var records = 0;
        for (var shard = 0; shard < CertificateShard.Count; shard++)
        {
            var history = await cluster.Inventory.GetHistory(
                IssuanceCluster.Scripted, shard, 0, ICertificateInventoryGrain.PageMax, Cancel);
            Assert.Empty(history.Faults);
            records += history.Records.Count(record => record.Body.Contains(identity, StringComparison.Ordinal));
        }

        Assert.Equal(2, records);
        await Readiness.UntilAsync(
            _ => Task.FromResult(cluster.History.Records.Count(record => Says(record, identity)) == 2), "the history in the log", Cancel);
    }

    private static bool Says(LogRecord record, string identity) =>
        Encoding.UTF8.GetString(record.Content.Span).Contains(identity, StringComparison.Ordinal);

    private async Task<IssuedCertificate> Issue(int number)
    {
        var order = new CertificateOrderRequest(
            $"{identity}/{number}",
            identity,
            "east",
            "node",
            SigningRequests.Choria(identity),
            IssuancePriority.NewNode,
            TimeProvider.System.GetUtcNow().AddMinutes(1));
        var outcome = await cluster.Grain(IssuanceCluster.Scripted, identity).Issue(order, Cancel);
        return Assert.IsType<IssuanceOutcome.Issued>(outcome).Certificate;
    }
}
