using System.Text;
using ControlPlane.Adapters.Nats;
using CsCheck;
using Orleans.Providers.Streams.Common;

namespace ControlPlane.Adapters.Tests.Nats;

/// <summary>The pure parts: names, partitions, positions, acknowledgements.</summary>
public sealed class WireTests
{
    private static readonly DateTimeOffset Made = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Encode_CanBeReversedAndIsSafe_WhateverTheBytes() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            var encoded = JetStreamSubject.Encode(bytes);
            Assert.True(JetStreamSubject.IsName(encoded.Length > 255 ? encoded[..255] : encoded));
            Assert.Equal(bytes, JetStreamSubject.DecodeOrNull(encoded));
            var token = JetStreamSubject.Token(bytes);
            Assert.InRange(token.Length, 1, JetStreamSubject.TokenLengthMax);
            Assert.True(JetStreamSubject.IsFilter(token) && !token.Contains('.', StringComparison.Ordinal));
        });

    [Fact]
    public void Token_IsAnotherForAnotherText_EvenWhenItIsLong() =>
        Gen.Select(Gen.String, Gen.String).Where((one, other) => one != other && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(one)) == one
            && Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(other)) == other).Sample((one, other) =>
            JetStreamSubject.Token(one) != JetStreamSubject.Token(other));

    [Fact]
    public void DecodeOrNull_NeverThrows_WhateverTheText() =>
        Gen.String.Sample(text => { _ = JetStreamSubject.DecodeOrNull(text); });

    [Theory]
    [InlineData("a.>", "a.b.c", true)]
    [InlineData("a.>", "a", false)]
    [InlineData("a.*.c", "a.b.c", true)]
    [InlineData("a.*.c", "a.b.c.d", false)]
    [InlineData("a.b", "a.b", true)]
    public void Matches_FollowsTheServersRules(string filter, string subject, bool expected) =>
        Assert.Equal(expected, JetStreamSubject.Matches(filter, subject));

    // Fixed for ever: another value would take identities to other partitions than those that hold their history.
    [Theory]
    [InlineData("", 16, 5)]
    [InlineData("web1.example.net", 16, 0)]
    [InlineData("nöde0", 1024, 650)]
    public void Partition_IsWhatItAlwaysWas(string identity, int partitions, int expected) =>
        Assert.Equal(expected, StreamPartition.Of(identity, partitions));

    [Theory]
    [InlineData("$JS.ACK.S.C.2.17.40.1700000000123456700.3")]
    [InlineData("$JS.ACK.hub.acc.S.C.2.17.40.1700000000123456700.3.tok")]
    public void AckSubject_IsRead_InBothForms(string subject)
    {
        Assert.True(AckSubject.TryParse(subject, out var parsed));
        Assert.Equal((17ul, 40ul, 2L, 3ul), (parsed.Sequence, parsed.Delivery, parsed.Attempt, parsed.Pending));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(1_700_000_000).AddTicks(1_234_567), parsed.StoredAt);
    }

    [Fact]
    public void AckSubject_IsRefused_WhenItIsNone() =>
        Gen.String.Sample(text => !AckSubject.TryParse("$JS.ACK." + text, out _) || text.Count(letter => letter == '.') >= 6);

    [Fact]
    public void Decide_BeginsWhereAsked_WhenNobodyReadBefore()
    {
        Assert.Equal(10ul, QueuePosition.Decide(null, null, new StreamBounds(Made, 11, 20), JetStreamStart.Oldest).Floor);
        Assert.Equal(20ul, QueuePosition.Decide(null, null, new StreamBounds(Made, 11, 20), JetStreamStart.Now).Floor);
    }

    [Fact]
    public void Decide_BelievesTheHigherOfRecordAndConsumer()
    {
        var record = new QueueRecord(3, "silo", Released: false, Made, Floor: 12, Base: 0);
        Assert.Equal(15ul, QueuePosition.Decide(record, 15, new StreamBounds(Made, 1, 20), JetStreamStart.Oldest).Floor);
        Assert.Equal(12ul, QueuePosition.Decide(record, null, new StreamBounds(Made, 1, 20), JetStreamStart.Oldest).Floor);
    }

    [Fact]
    public void Decide_NamesTheGap_WhenTheOldestIsNewerThanThePosition()
    {
        var record = new QueueRecord(3, "silo", Released: false, Made, Floor: 12, Base: 0);
        var position = QueuePosition.Decide(record, null, new StreamBounds(Made, 16, 20), JetStreamStart.Oldest);
        Assert.Equal((15ul, 13ul, 15ul), (position.Floor, position.Lost!.From, position.Lost.Through!.Value));
    }

    [Fact]
    public void Decide_CountsOn_WhenTheStreamWasMadeAnew()
    {
        var record = new QueueRecord(3, "silo", Released: false, Made, Floor: 100, Base: 50);
        var position = QueuePosition.Decide(record, null, new StreamBounds(Made.AddDays(1), 1, 7), JetStreamStart.Oldest);
        Assert.Equal((0ul, 150L, 101ul), (position.Floor, position.Base, position.Lost!.From));
        Assert.Null(position.Lost.Through);
    }

    // Defect 1.2.9: all events of a batch had one token.
    [Fact]
    public void Batch_GivesEachEventATokenOfItsOwn_AndHasThatOfItsLast()
    {
        var batch = JetStreamBatch.Of(default, [Message(7, "a", "b"), Message(9, "c")]);

        Assert.Equal(
            [("a", 7L, 0), ("b", 7L, 1), ("c", 9L, 0)],
            batch.GetEvents<string>().Select(one => (one.Item1, one.Item2.SequenceNumber, one.Item2.EventIndex)));
        Assert.Equal((9L, 0), (batch.SequenceToken.SequenceNumber, batch.SequenceToken.EventIndex));
        Assert.Equal(new EventSequenceTokenV2(9), batch.SequenceToken);

        static HeldMessage Message(long position, params object[] events) =>
            new() { Message = default, Position = position, Epoch = 1, AckSubject = "", Size = 1, Events = events };
    }

    [Fact]
    public void DeliveryBackoff_DoublesUpToItsMost_AndEndsWithTheLastAttempt()
    {
        var backoff = new DeliveryBackoff(attemptsMax: 8);

        Assert.Equal([250, 500, 1000, 2000, 4000, 5000, 5000], Enumerable.Range(0, 7).Select(at => backoff.Next(at).TotalMilliseconds));
        Assert.Throws<DeliveryAttemptsException>(() => backoff.Next(7));
    }

    [Fact]
    public void AckWindow_AcknowledgesOnlyWhatAllBeforeItIsDone()
    {
        var window = new AckWindow();
        HeldMessage[] messages = [.. Enumerable.Range(1, 4).Select(Held)];
        foreach (var message in messages)
        {
            window.Hold(message);
        }

        Assert.False(window.Complete(messages[2]));
        Assert.Null(window.Acknowledgement);
        Assert.True(window.Complete(messages[0]));
        Assert.Equal("ack-1", window.Acknowledgement);
        Assert.True(window.Complete(messages[1]));
        Assert.Equal("ack-3", window.Acknowledgement);
        Assert.Equal((3L, 1, 10L), (window.DoneThrough, window.Count, window.Bytes));
        Assert.False(window.Rebind(4, "ack-4-again"));
        Assert.False(window.Rebind(2, "ack-2-again"));
        Assert.Equal("ack-3", window.Acknowledgement);
        Assert.True(window.Rebind(3, "ack-3-again"));
        Assert.Equal("ack-3-again", window.Acknowledgement);
        Assert.Equal(["ack-4-again"], window.TakeOverdue(heardBefore: 0, now: 5));
        Assert.Empty(window.TakeOverdue(heardBefore: 4, now: 6));
        window.Rebegin();
        Assert.Null(window.Acknowledgement);
    }

    [Fact]
    public void Suspicion_IsOfWhatWasOnItsWay_AndTriesItAloneAfterTheSecondDeath()
    {
        Assert.Null(Suspicion.Judge(null, floor: 10, delivered: 10, hasDied: true));
        Assert.Null(Suspicion.Judge(null, floor: 10, delivered: null, hasDied: true));
        Assert.Null(Suspicion.Judge(null, floor: 10, delivered: 90, hasDied: false));

        var once = Suspicion.Judge(null, floor: 10, delivered: 90, hasDied: true)!;
        Assert.Equal((1, 90ul, 0ul), (once.Deaths, once.Through, once.TrialsThrough));
        var twice = Suspicion.Judge(once, floor: 20, delivered: 120, hasDied: true)!;
        Assert.Equal((2, 120ul, 120ul), (twice.Deaths, twice.Through, twice.TrialsThrough));
        var thrice = Suspicion.Judge(twice, floor: 30, delivered: 700, hasDied: true)!;
        Assert.Equal(120ul, thrice.TrialsThrough);
        Assert.Null(Suspicion.Judge(thrice, floor: 120, delivered: 120, hasDied: false));
        Assert.Equal(1, Suspicion.Judge(thrice, floor: 120, delivered: 121, hasDied: true)!.Deaths);
    }

    [Fact]
    public void Suspicion_CountsTheTrialsOfOneMessage_AndNotThoseThatItsOwnerOutlived()
    {
        var tried = new Suspicion(2, 90).Try(11).Try(12).Try(12);
        Assert.Equal((0, 2), (tried.TrialsOf(11), tried.TrialsOf(12)));
        Assert.Equal(2, Suspicion.Judge(tried, floor: 11, delivered: 60, hasDied: true)!.TrialsOf(12));
        Assert.Equal(1, Suspicion.Judge(tried, floor: 11, delivered: 60, hasDied: false)!.TrialsOf(12));
    }

    // The property that matters: whatever else dies when and however far owners get, the message that kills is found, and no other one is.
    [Fact]
    public void Suspicion_FindsTheMessageThatKills_AndNoOther() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[0, 39].Array[30], Gen.Int[1, 4]).Sample((poison, luck, attemptsMax) =>
        {
            Suspicion? suspicion = null;
            var floor = 0ul;
            foreach (var reach in luck)
            {
                var delivered = Math.Min(floor + 40, 80);
                while (floor < suspicion?.TrialsThrough)
                {
                    var next = floor + 1;
                    if (suspicion.TrialsOf(next) >= attemptsMax)
                    {
                        return next == (ulong)poison;
                    }

                    suspicion = suspicion.Try(next);
                    if (next == (ulong)poison)
                    {
                        break;
                    }

                    floor = next;
                }

                // Without trials an owner gets anywhere up to the poison before it dies of it.
                floor = Math.Min(floor + (ulong)reach, (ulong)poison - 1);
                suspicion = Suspicion.Judge(suspicion, floor, delivered, hasDied: true);
            }

            return luck.Length < attemptsMax + 3;
        });

    private static HeldMessage Held(int number) => new()
    {
        Message = new JetStreamMessage("q", "s", null, ReadOnlyMemory<byte>.Empty, (ulong)number, Made),
        Position = number,
        Epoch = 1,
        AckSubject = $"ack-{number}",
        Size = 10,
    };
}
