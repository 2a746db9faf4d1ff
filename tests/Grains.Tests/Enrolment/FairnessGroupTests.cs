using ControlPlane.Enrolment;
using ControlPlane.Nodes;

namespace ControlPlane.Grains.Tests.Enrolment;

public sealed class FairnessGroupTests
{
    [Theory]
    [InlineData("ou", "choria")]
    [InlineData("extensions.customer", "acme")]
    [InlineData("extensions.site", "(none)")]
    [InlineData("ou.customer", "(none)")]
    [InlineData("extensions", "(none)")]
    public void Of_IsTheValueOfTheClaim(string claim, string group) =>
        Assert.Equal(
            group, FairnessGroup.Of(new EnrolmentFindings("""{"ou":"choria","extensions":{"customer":"acme"}}""", "choria"), claim));

    [Fact]
    public void Of_IsItsOwn_ForWhatGoesOnAfterASiloDied() => Assert.Equal(FairnessGroup.Resumed, FairnessGroup.Of(null, "ou"));
}
