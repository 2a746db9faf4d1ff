using ControlPlane.Certificates;
using ControlPlane.Nodes;
using ControlPlane.X509;

namespace ControlPlane.Cluster.Tests.Certificates;

public sealed class CertificateIssuanceGrainTests(IssuanceCluster cluster) : IClassFixture<IssuanceCluster>
{
    private static int lastNode;

    private readonly string identity = $"web{Interlocked.Increment(ref lastNode)}.example.net";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Issue_AnswersAllWhoAskAtOnce_WithOneCertificate()
    {
        var order = Order("node", SigningRequests.Choria(identity));
        var grain = cluster.Grain(IssuanceCluster.Scripted, identity);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => grain.Issue(order, Cancel)));

        Assert.Single(outcomes.OfType<IssuanceOutcome.Issued>().Select(issued => issued.Certificate.SerialNumber).Distinct());
        Assert.Equal(20, outcomes.OfType<IssuanceOutcome.Issued>().Count());
    }

    [Fact]
    public async Task Issue_CarriesRefusalsAcrossTheCall()
    {
        var order = Order("node", SigningRequests.Choria("other.example.net"));

        var outcome = await cluster.Grain(IssuanceCluster.Scripted, identity).Issue(order, Cancel);

        Assert.Equal(Refusal.IdentityMismatch, Assert.IsType<IssuanceOutcome.Refused>(outcome).Refusal);
    }

    [Fact]
    public async Task Close_LeadsToRevocation_WithoutAnyoneAskingAgain()
    {
        var grain = cluster.Grain(IssuanceCluster.Scripted, identity);
        var order = Order("node", SigningRequests.Choria(identity));
        var issued = Assert.IsType<IssuanceOutcome.Issued>(await grain.Issue(order, Cancel));

        await grain.Close(order.OrderId, RevocationReason.Superseded, Cancel);

        var began = TimeProvider.System.GetTimestamp();
        while (!cluster.Issuer.Revoked.ContainsKey(issued.Certificate.SerialNumber))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3), "it is not revoked");
            await Task.Delay(50, Cancel);
        }

        Assert.IsType<IssuanceOutcome.Spent>(await grain.Issue(order, Cancel));
    }

    [Fact]
    public async Task Audit_HasRevoked_WhatTheCaListsTwiceAndNoOrderKnows()
    {
        var issued = Assert.IsType<IssuanceOutcome.Issued>(
            await cluster.Grain(IssuanceCluster.Listing, identity).Issue(Order("listing", SigningRequests.Choria(identity)), Cancel));
        var foreign = await cluster.Catalog.IssueAsync(
            CertificateOrders.For(
                identity, SigningRequests.Choria(identity), new CertificateProfile(), TimeProvider.System.GetUtcNow()), Cancel);
        var orphan = CertificateFields.Read(foreign.CertificateDer).SerialText;

        await cluster.Audit(IssuanceCluster.Listing).Audit(Cancel);
        Assert.DoesNotContain(cluster.Ledger.Entries, entry => entry.Certificate?.SerialNumber == orphan);
        await cluster.Audit(IssuanceCluster.Listing).Audit(Cancel);

        var began = TimeProvider.System.GetTimestamp();
        while (!cluster.Catalog.Revoked.ContainsKey(orphan))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3), "it is not revoked");
            await Task.Delay(50, Cancel);
        }

        // The ledger knows it now, and the node's own certificate was known all the time.
        await cluster.Audit(IssuanceCluster.Listing).Audit(Cancel);
        Assert.Equal([issued.Certificate.SerialNumber], cluster.Catalog.Living);
        Assert.Single(cluster.Ledger.Entries, entry => entry.Certificate?.SerialNumber == orphan && entry.Identity == identity);
    }

    [Fact]
    public async Task Output_HoldsNoPrivateKey_WhateverHappens()
    {
        var grain = cluster.Grain(IssuanceCluster.Embedded, identity);
        await grain.Issue(Order("embedded", SigningRequests.Choria(identity)), Cancel);
        await grain.Issue(Order("embedded", "-----BEGIN PRIVATE KEY-----\nMIIplanted\n-----END PRIVATE KEY-----\n"), Cancel);
        await grain.Issue(Order("nonesuch", SigningRequests.Choria(identity)), Cancel);
        await grain.Close($"{identity}/embedded", RevocationReason.KeyCompromise, Cancel);

        var secrets = cluster.KeyPem.Split('\n').Where(line => line.Length >= 40).Append("PRIVATE KEY").Append("MIIplanted").ToList();
        Assert.Contains(cluster.Output.Lines, line => line.Contains(identity, StringComparison.Ordinal));
        Assert.All(cluster.Output.Lines, line => Assert.DoesNotContain(secrets, secret => line.Contains(secret, StringComparison.Ordinal)));
        Assert.All(
            cluster.Ledger.Entries.Where(entry => entry.Identity == identity && entry.Request is null),
            entry => Assert.DoesNotContain("MIIplanted", entry.ToString(), StringComparison.Ordinal));
    }

    private CertificateOrderRequest Order(string profile, string pem) => new(
        $"{identity}/{profile}", identity, "east", profile, pem, IssuancePriority.NewNode, TimeProvider.System.GetUtcNow().AddMinutes(1));
}
