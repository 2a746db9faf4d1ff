using ControlPlane.Jobs;
using CsCheck;

namespace ControlPlane.Grains.Tests.Jobs;

public sealed class StageSizesTests
{
    [Fact]
    public void Ends_OfAnyStages_GrowToAllTargets_AndTakeWhatWasAsked() =>
        Gen.Select(Gen.Int[0, 500].Array[1, 5], Gen.Int[1, 100].Array[0, 4], Gen.Bool.Array[4], Gen.Int[1, 20]).Sample((
            nodes, sizes, perOverlay, min) =>
        {
            var targets = Enumerable.Range(0, nodes.Length).ToDictionary(number => $"o{number}", number => nodes[number]);
            JobStage[] stages =
            [
                .. sizes.Select((size, number) => new JobStage($"s{number}", $"{size}%") { PerOverlay = perOverlay[number], Min = min }),
                new JobStage("rest", "100%"),
            ];
            var ends = StageSizes.Ends(stages, targets);
            var left = targets.Values.Sum();
            for (var stage = 0; stage < stages.Length; stage++)
            {
                int Begin(string overlay) => stage == 0 ? 0 : ends[overlay][stage - 1];
                var taken = targets.Keys.Sum(overlay => ends[overlay][stage] - Begin(overlay));
                Assert.All(targets.Keys, overlay => Assert.InRange(ends[overlay][stage], Begin(overlay), targets[overlay]));
                if (stage < sizes.Length && !perOverlay[stage])
                {
                    var asked = Math.Max((int)Math.Ceiling(targets.Values.Sum() * sizes[stage] / 100.0), min);
                    Assert.Equal(Math.Min(asked, left), taken);
                }

                left -= taken;
            }

            Assert.Equal(0, left);
        });

    [Theory]
    [InlineData("50", 50, 0)]
    [InlineData("5%", 0, 5)]
    [InlineData("0.5%", 0, 0.5)]
    public void ReadOrNull_TakesNumbersAndShares(string text, int nodes, double percent) =>
        Assert.Equal(new StageSize(nodes, percent), StageSize.ReadOrNull(text));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("0%")]
    [InlineData("101%")]
    [InlineData("half")]
    [InlineData("5 %x")]
    public void ReadOrNull_TakesNothingElse(string text) => Assert.Null(StageSize.ReadOrNull(text));

    [Fact]
    public void Share_IsInProportion_AndNeverMoreThanThereIs() => Assert.Equal(
        new Dictionary<string, int> { ["a"] = 3, ["b"] = 7, ["c"] = 0 },
        StageSizes.Share(10, new Dictionary<string, int> { ["a"] = 30, ["b"] = 70, ["c"] = 0 }));
}
