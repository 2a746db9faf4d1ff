namespace ControlPlane.Enrolment;

/// <summary>How many nodes of an overlay may be on their way at once, found out by who arrives. Pure.</summary>
/// <remarks>
/// Few while nothing is known, three more for each that arrives while all places are taken: four times as many in each round, so that a
/// herd of 20,000 waits for some rounds only. A miss halves them until an arrival takes the halving back, so that some broken nodes among
/// many good ones slow down nobody, and an overlay that nobody reaches any more comes down to one node at a time.
/// </remarks>
/// <param name="Grown">The places without halvings.</param>
/// <param name="Halvings">Misses that no arrival has taken back.</param>
internal sealed record ArrivalLimit(int Grown, int Halvings = 0)
{
    private const int GrowthPerArrival = 3;

    public int Places => Math.Max(1, Grown >> Halvings);

    /// <param name="isFull">Whether all places were taken: a limit that is not reached was not tried, and is not raised.</param>
    /// <param name="placesMax">The most.</param>
    public ArrivalLimit AfterArrival(bool isFull, int placesMax) =>
        Halvings > 0 ? this with { Halvings = Halvings - 1 }
        : isFull ? this with { Grown = Math.Min(Grown + GrowthPerArrival, placesMax) }
        : this;

    public ArrivalLimit AfterMiss() => Places > 1 ? this with { Halvings = Halvings + 1 } : this;

    /// <summary>Nobody is on its way: how nodes fared an hour ago says little of the next ones.</summary>
    public ArrivalLimit AfterIdling(int placesMin) => this with { Grown = Math.Min(Grown, placesMin) };
}
