using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Nodes;

/// <summary>What a key is to a node, as brokers ask it when somebody logs in with it.</summary>
public sealed class KeyStatusTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);

    private static readonly NodeState Enrolled = new()
    {
        Stage = NodeStage.Enrolled,
        Held = new HeldCredentials(null, null, "aa", Now.AddDays(30), Now),
    };

    [Fact]
    public void What_a_node_holds_or_is_about_to_hold_is_its_present_key()
    {
        var keyed = Enrolled with
        {
            Stage = NodeStage.Keyed,
            Pending = new PendingCredentials { KeyedAt = Now, Ed25519PublicKey = "bb" },
        };

        Assert.Equal(KeyStatus.Present, keyed.StandingOf("aa"));
        Assert.Equal(KeyStatus.Present, keyed.StandingOf("BB"));
        Assert.Equal(KeyStatus.Superseded, keyed.StandingOf("cc"));
    }

    [Fact]
    public void After_the_arrival_only_the_new_key_is()
    {
        var arrived = Enrolled.Arrived(new PendingCredentials { KeyedAt = Now, Ed25519PublicKey = "bb" }, Now, Now);

        Assert.Equal(KeyStatus.Present, arrived.StandingOf("bb"));
        Assert.Equal(KeyStatus.Superseded, arrived.StandingOf("aa"));
    }

    [Fact]
    public void A_node_that_left_the_fleet_has_no_key() =>
        Assert.Equal(KeyStatus.Superseded, Enrolled.Decommissioned(Now, "sold").StandingOf("aa"));

    [Fact]
    public void Of_a_node_without_credentials_of_ours_nothing_is_known()
    {
        Assert.Equal(KeyStatus.Unknown, new NodeState().StandingOf("aa"));
        Assert.Equal(KeyStatus.Unknown, new NodeState { Stage = NodeStage.Discovered }.StandingOf("aa"));
    }
}
