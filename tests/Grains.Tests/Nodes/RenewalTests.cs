using ControlPlane.Certificates;
using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

public sealed class RenewalTests
{
    private static readonly DateTimeOffset Arrived = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Life = TimeSpan.FromDays(30);
    private static readonly ProvisioningOptions Options = new();

    [Fact]
    public void A_server_token_of_stock_settings_lives_for_thirty_days_and_is_renewed_before_it_ends()
    {
        var options = new ProvisioningOptions();
        Assert.Equal(TimeSpan.FromDays(30), options.ServerTokenLifetime);

        var arrived = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var end = arrived + options.ServerTokenLifetime;
        var held = new HeldCredentials(null, null, "aa", end, arrived);
        var due = Renewal.DueAt(new NodeState { Held = held }, options);
        Assert.NotNull(due);
        Assert.InRange(due.Value, arrived + TimeSpan.FromDays(1), end - TimeSpan.FromDays(1));
    }

    [Fact]
    public void DueAt_SpreadsNodesThatEnrolledTogether_OverTheSixthBeforeTheShare()
    {
        var due = Enumerable.Range(0, 20_000).Select(number => Renewal.DueAt(Node($"{number:X16}"), Options)!.Value - Arrived).ToList();

        Assert.InRange(due.Min(), Life * (0.7 - (1.0 / 6)), Life * 0.54);
        Assert.InRange(due.Max(), Life * 0.69, Life * 0.7);

        // 20,000 over 5 days are 3 a minute; the busiest minute may have some more, but no herd.
        Assert.InRange(due.CountBy(when => (int)when.TotalMinutes).Max(minute => minute.Value), 1, 20);
    }

    [Fact]
    public void DueAt_FollowsWhatEndsFirst()
    {
        var node = Node("0A");
        var token = node with { Held = node.Held! with { ServerTokenExpiresAt = Arrived + TimeSpan.FromDays(3) } };
        var tokenOnly = node with { Held = node.Held! with { Certificate = null, ServerTokenExpiresAt = Arrived + TimeSpan.FromDays(3) } };

        Assert.InRange(Renewal.DueAt(token, Options)!.Value, Arrived, Arrived + TimeSpan.FromDays(2.1));
        Assert.InRange(Renewal.DueAt(tokenOnly, Options)!.Value, Arrived, Arrived + TimeSpan.FromDays(2.1));
    }

    [Fact]
    public void DueAt_IsNever_WithoutAnEnd_OrWhenSwitchedOff()
    {
        Assert.Null(Renewal.DueAt(new NodeState(), Options));
        Assert.Null(Renewal.DueAt(Node("0A"), new ProvisioningOptions { RenewAfterShare = 1 }));
    }

    [Fact]
    public void DueAt_AsksAgain_LessOftenEachTime()
    {
        var asked = Arrived + (Life * 0.8);
        var waits = Enumerable.Range(1, 6).Select(
            times => Renewal.DueAt(Node("0A") with { RenewalAsked = new RenewalAsked(asked, times) }, Options)!.Value - asked);

        Assert.Equal([1, 2, 4, 8, 8, 8], waits.Select(wait => wait.TotalHours));
    }

    [Fact]
    public void Next_Renews_WhenItIsDueAndTheNodeIsEnrolled()
    {
        var node = Node("0A");
        var due = Renewal.DueAt(node, Options)!.Value;

        Assert.Equal(
            new EnrolmentStep.Nothing(due),
            EnrolmentDecision.Next(node, new NodeNews(), Options, EnrolmentControls.Open, due.AddSeconds(-1)));
        Assert.IsType<EnrolmentStep.Renew>(EnrolmentDecision.Next(node, new NodeNews(), Options, EnrolmentControls.Open, due));
        Assert.IsNotType<EnrolmentStep.Renew>(EnrolmentDecision.Next(
            node with { Stage = NodeStage.Keyed, Pending = new PendingCredentials { KeyedAt = due } },
            new NodeNews(),
            Options,
            EnrolmentControls.Open,
            due));
    }

    private static NodeState Node(string serial) => new()
    {
        Stage = NodeStage.Enrolled,
        Attempt = 1,
        Overlay = "eu-1",
        ReachedAt = Arrived,
        Held = new HeldCredentials(
            new OrderReference("ca", "web1/1"),
            new CertificateReference("ca", serial, Arrived, Arrived + Life, "f00d"),
            Ed25519PublicKey: null,
            ServerTokenExpiresAt: null,
            Arrived),
    };
}
