using ControlPlane.Fleet;

namespace ControlPlane.Grains.Tests.Fleet;

public sealed class NewcomersTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddDays(1);

    private readonly Newcomers newcomers = new(3);

    [Fact]
    public void Add_TakesNoMoreThanThereIsRoomFor()
    {
        Assert.True(newcomers.Add("a", Now, isAnswer: false));
        Assert.True(newcomers.Add("b", Now, isAnswer: false));
        Assert.True(newcomers.Add("c", Now, isAnswer: false));
        Assert.False(newcomers.Add("d", Now, isAnswer: true));
        Assert.True(newcomers.Add("a", Now, isAnswer: true));
        Assert.Equal(3, newcomers.Count);
    }

    [Fact]
    public void Take_AsksFirstWhoAnsweredASweep_AndNobodyTwice()
    {
        newcomers.Add("said", Now, isAnswer: false);
        newcomers.Add("there", Now.AddSeconds(1), isAnswer: false);
        newcomers.Add("there", Now.AddSeconds(2), isAnswer: true);

        Assert.Equal(("there", Now.AddSeconds(1)), newcomers.Take());
        newcomers.Add("there", Now.AddSeconds(3), isAnswer: true);
        Assert.Equal(("said", Now), newcomers.Take());
        Assert.Null(newcomers.Take());

        newcomers.Done("there");
        Assert.Equal(1, newcomers.Count);
    }
}
