using ControlPlane.Access;

namespace ControlPlane.Grains.Tests.Access;

public sealed class CallerNetworkTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64")]
    [InlineData("somewhere", "somewhere")]
    [InlineData("", "")]
    [InlineData(null, "")]
    public void Of_CountsAnAddressAsItsNetwork(string? address, string network) => Assert.Equal(network, CallerNetwork.Of(address));
}
