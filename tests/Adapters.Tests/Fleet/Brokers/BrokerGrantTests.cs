using ControlPlane.Adapters.Choria;
using ControlPlane.Adapters.Fleet.Brokers;
using ControlPlane.Adapters.Nats.Callout;

namespace ControlPlane.Adapters.Tests.Fleet.Brokers;

/// <summary>What a decision becomes for a server, to which a list that is missing or empty means other things than to us.</summary>
public sealed class BrokerGrantTests
{
    [Fact]
    public void AllSubjects_AreNamed_SinceNoListMeansTheAccountsDefaults()
    {
        var grant = Of(SubjectRights.All);

        Assert.All([grant.Publish, grant.Subscribe], lists => Assert.Equal("allow > deny ", Shown(lists)));
    }

    [Fact]
    public void NoSubject_IsADenial_SinceAnEmptyListMeansAll()
    {
        var grant = Of(new SubjectRights { PublishAllow = [], SubscribeAllow = ["a"], SubscribeDeny = ["b"] });

        Assert.Equal("allow  deny >", Shown(grant.Publish));
        Assert.Equal("allow a deny b", Shown(grant.Subscribe));
    }

    private static string Shown(SubjectLists lists) => $"allow {string.Join(' ', lists.Allow)} deny {string.Join(' ', lists.Deny)}";

    private static UserGrant Of(SubjectRights rights) => BrokerGrant.Of(
        new BrokerVerdict.Admitted(BrokerParty.Client, BrokerAccounts.Choria, "up=admin", rights), "up=admin", BrokerAccounts.Choria);
}
