using ControlPlane.Adapters.Fleet;

namespace ControlPlane.Adapters.Tests.Fleet;

/// <summary>The subjects of kept messages, some of which may be somebody else's.</summary>
public sealed class StateSubjectTests
{
    [Theory]
    [InlineData("controlplane.eu.state.k6c.k77656231", "web1")]
    [InlineData("controlplane.eu.state.k6c.k", "")]
    [InlineData("controlplane.eu.state.k6c.k7", null)]
    [InlineData("controlplane.eu.state.k6c.kzz", null)]
    [InlineData("controlplane.eu.state.k6c.web1", null)]
    [InlineData("controlplane.eu.state.k6c.", null)]
    [InlineData("", null)]
    public void KeyOrNull_ReadsOurOwn_AndLeavesOutTheOthers(string subject, string? key) =>
        Assert.Equal(key, OverlayStreams.KeyOrNull(subject));
}
