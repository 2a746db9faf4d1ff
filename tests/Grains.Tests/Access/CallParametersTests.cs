using ControlPlane.Access;
using Orleans;

namespace ControlPlane.Grains.Tests.Access;

public sealed class CallParametersTests
{
    [Fact]
    public void Of_LeavesOutWhatIsMarkedSecret_AndWhatSaysNothing()
    {
        var told = CallParameters.Of([new Given("new disk", "hunter2"), CancellationToken.None, null, new HttpClientHandler()]);

        Assert.Equal([KeyValuePair.Create("given", """{"reason":"new disk"}""")], told);
    }

    [Fact]
    public void Of_KeepsTheBeginning_OfALongText()
    {
        var text = CallParameters.Of([new string('x', 5_000)])["string"];

        Assert.Equal(new string('x', CallParameters.LengthMax) + "… (5000 characters)", text);
    }

    [Fact]
    public void Of_KeepsEach_OfTwoOfOneType() =>
        Assert.Equal(["\"a\"", "b", "c"], CallParameters.Of([Stage.A, "b", "c"]).Values.Order(StringComparer.Ordinal));

    public sealed record Given(string Reason, [property: Redact] string Password);

    private enum Stage
    {
        A,
    }
}
