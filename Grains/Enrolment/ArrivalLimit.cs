namespace ControlPlane.Enrolment;

/// <summary>How many nodes of an overlay may be on their way at once, found out by who arrives. Pure.</summary>
/// <remarks>
/// As TCP begins: few while nothing is known, one more for each that arrives while all places are taken, which doubles them in each round.
/// A miss halves them until an arrival takes the halving back, so that some broken nodes among many good ones slow down nobody, and an
/// overlay that nobody reaches any more comes down to one node at a time.
/// </remarks>
/// <param name="Grown">The places without halvings.</param>
/// <param name="Halvings">Misses that no arrival has taken back.</param>
internal sealed record ArrivalLimit(int Grown, int Halvings = 0)
{
    public int Places => Math.Max(1, Grown >> Halvings);

    /// <param name="isFull">Whether all places were taken: a limit that is not reached was not tried, and is not raised.</param>
    /// <param name="placesMax">The most.</param>
    public ArrivalLimit AfterArrival(bool isFull, int placesMax) =>
        Halvings > 0 ? this with { Halvings = Halvings - 1 }
        : isFull ? this with { Grown = Math.Min(Grown + 1, placesMax) }
        : this;

    public ArrivalLimit AfterMiss() => Places > 1 ? this with { Halvings = Halvings + 1 } : this;

    /// <summary>Nobody is on its way: how nodes fared an hour ago says little of the next ones.</summary>
    public ArrivalLimit AfterIdling(int placesMin) => this with { Grown = Math.Min(Grown, placesMin) };
}
