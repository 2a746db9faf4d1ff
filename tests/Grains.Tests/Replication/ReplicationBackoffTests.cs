using ControlPlane.Replication;

namespace ControlPlane.Grains.Tests.Replication;

public sealed class ReplicationBackoffTests
{
    [Theory]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 2)]
    [InlineData(4, 1, 16)]
    [InlineData(7, 0, 60)]
    [InlineData(1_000_000, 1, 120)]
    public void Delay_Grows_IsSpread_AndHasAMost(int failures, double random, double seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), ReplicationBackoff.Delay(failures, random));
}
